namespace Profiles.Infrastructure.Admin;

/// <summary>Registers admin keys.</summary>
static class AdminSetup
{
    public static IServiceCollection AddAdminKeys(this IServiceCollection services) => services
        .AddScoped<AdminKeys>()
        .AddScoped<CurrentKey>();
}
