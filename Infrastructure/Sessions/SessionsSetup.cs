using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Sessions;

/// <summary>Registers the sessions.</summary>
static class SessionsSetup
{
    public static IServiceCollection AddSessions(this IServiceCollection services)
    {
        services.AddSection<SessionsOptions>("Sessions");
        return services.AddScoped<SessionRevocation>().AddScoped<SessionTokens>();
    }
}
