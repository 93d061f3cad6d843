using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Passwords;

/// <summary>Registers the hashing of passwords and the blocklist.</summary>
static class PasswordsSetup
{
    public static IServiceCollection AddPasswords(this IServiceCollection services)
    {
        services.AddSection<PasswordOptions>("Passwords")
            .PostConfigure<IHostEnvironment>((o, environment) =>
            {
                // The README's example password has five characters.
                o.MinimumLength ??= environment.IsDevelopment() ? PasswordOptions.LeastMinimumLength : 8;
                o.Blocklist ??= !environment.IsDevelopment();
            })
            // The tests may hash at less: cost 10 would make them slow.
            .Validate<IHostEnvironment>(
                (o, environment) => o.WorkFactor >= (environment.IsEnvironment("Testing") ? 4 : 10) && o.WorkFactor <= 16,
                "Passwords__WorkFactor must be between 10 and 16.");
        return services.AddSingleton<PasswordHasher>().AddSingleton<PasswordBlocklist>();
    }
}
