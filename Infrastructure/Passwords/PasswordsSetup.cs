using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Passwords;

/// <summary>Registers what hashes passwords and refuses common ones.</summary>
static class PasswordsSetup
{
    public static IServiceCollection AddPasswords(this IServiceCollection services)
    {
        services.AddSection<PasswordOptions>("Passwords")
            .PostConfigure<IHostEnvironment>((o, environment) =>
            {
                // The password of the contract's examples has five characters.
                o.MinimumLength ??= environment.IsDevelopment() ? PasswordOptions.LeastMinimumLength : 8;
                o.Blocklist ??= !environment.IsDevelopment();
            })
            .Validate<IHostEnvironment>(
                // The tests would spend their time hashing at cost 10.
                (o, environment) => o.WorkFactor >= (environment.IsEnvironment("Testing") ? 4 : 10) && o.WorkFactor <= 16,
                "Passwords__WorkFactor must be between 10 and 16.");
        return services.AddSingleton<PasswordHasher>().AddSingleton<PasswordBlocklist>();
    }
}
