namespace Profiles.Infrastructure.SecurityEvents;

/// <summary>Registers what notes security events.</summary>
static class SecurityEventsSetup
{
    public static IServiceCollection AddSecurityEvents(this IServiceCollection services) => services
        .AddScoped<SecurityEventLog>()
        .AddSingleton<SecurityEventWriter>()
        .AddHostedService(provider => provider.GetRequiredService<SecurityEventWriter>());
}
