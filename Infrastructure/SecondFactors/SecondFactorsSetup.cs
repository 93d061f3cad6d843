namespace Profiles.Infrastructure.SecondFactors;

/// <summary>Registers what second factors need.</summary>
static class SecondFactorsSetup
{
    public static IServiceCollection AddSecondFactors(this IServiceCollection services) => services
        .AddSingleton<TotpSecrets>()
        .AddScoped<RecoveryCodes>()
        .AddScoped<SecondFactorCheck>()
        .AddScoped<SecondFactorRemoval>();
}
