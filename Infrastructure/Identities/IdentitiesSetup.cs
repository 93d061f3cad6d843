using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Outbox;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Identities;

/// <summary>Registers the providers of identities and the validation of their settings.</summary>
static class IdentitiesSetup
{
    public static IServiceCollection AddIdentities(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddSection<GoogleOptions>("Identities__Google");
        services.AddSection<AppleOptions>("Identities__Apple")
            .Validate(
                o => new[] { o.TeamId, o.KeyId, o.PrivateKeyFile }.Count(s => s is null) is 0 or 3,
                "Identities__Apple__TeamId, Identities__Apple__KeyId and Identities__Apple__PrivateKeyFile must be set together.")
            .Validate(
                o => !o.Revokes || HasKey(o),
                "Identities__Apple__PrivateKeyFile must be a file with the key for Sign in with Apple, as Apple hands it out.")
            .Validate(
                o => o.Audiences.All(a => a.Length <= AppleOutbox.ClientIdMaxLength),
                $"Identities__Apple__Audiences must have at most {AppleOutbox.ClientIdMaxLength} characters each.");
        services.AddSingleton(ConfiguredIssuers.SectionOf("<name>"))
            .AddSingleton<IValidateOptions<ConfiguredIssuers>, ConfiguredIssuers>()
            .AddOptions<ConfiguredIssuers>()
            .Configure<IConfiguration>((o, all) => o.Read(all))
            .Validate<IOptions<AppleOptions>, IOptions<GoogleOptions>, IHostEnvironment>(
                (o, apple, google, environment) => o.Values.SelectMany(i => new[] { i.Issuer, i.MetadataAddress })
                    .Append(apple.Value.Issuer).Append(google.Value.Issuer).OfType<string>()
                    .All(a => !Uri.TryCreate(a, UriKind.Absolute, out var address) || ProviderClient.MayAsk(address, environment)),
                "An Issuer or MetadataAddress below Identities is no https address.")
            .ValidateOnStart();
        services
            .AddSingleton<IdentityProviders>()
            .AddSingleton<ProviderClient>()
            .AddSingleton<ProviderKeys>()
            .AddSingleton<IdentityTokens>()
            .AddSingleton<AppleClient>()
            .AddSingleton<AppleOutbox>();
        // The outbox looks for the entries of each of its handlers every few seconds.
        return configuration["Identities:Apple:PrivateKeyFile"] is null
            ? services
            : services.AddOutboxHandler<AppleHandler>([OutboxStore.Apple], _ => 3 * ProviderClient.Timeout, retries: AppleHandler.Retries);
    }

    static bool HasKey(AppleOptions options)
    {
        try
        {
            options.ReadPrivateKey().Dispose();
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException
            or System.Security.Cryptography.CryptographicException)
        {
            return false;
        }
    }
}
