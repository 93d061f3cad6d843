using Profiles.Data;
using Profiles.Data.PostgreSql;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Tokens;

/// <summary>Registers access tokens and their signing keys.</summary>
static class TokensSetup
{
    public static IServiceCollection AddTokens(this IServiceCollection services)
    {
        services.AddSection<JwtOptions>("Jwt");
        return services
            .AddSingleton<SigningKeys>()
            .AddSingleton<IStartupLoader>(provider => provider.GetRequiredService<SigningKeys>())
            .AddSingleton<KeyRingStore>(provider => provider.GetRequiredService<DatabaseEngine>() is PostgreSqlEngine postgreSql
                ? new KeyRingTable(postgreSql)
                : ActivatorUtilities.CreateInstance<KeyRingFile>(provider))
            .AddSingleton<KeyRing>()
            .AddSingleton<IStartupLoader>(provider => provider.GetRequiredService<KeyRing>())
            .AddHostedService<KeyRingService>()
            .AddSingleton<AccessTokens>();
    }
}
