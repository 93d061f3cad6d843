using System.Security.Cryptography;
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
        services.AddSection<GoogleOptions>("Identities__Google").Validate<IHostEnvironment>(
            (o, environment) => MayAsk(o.Issuer, environment), ProviderClient.Refusal("Identities__Google__Issuer"));
        services.AddSection<AppleOptions>("Identities__Apple")
            .Validate<IHostEnvironment>(
                (o, environment) => MayAsk(o.Issuer, environment), ProviderClient.Refusal("Identities__Apple__Issuer"))
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
            .AddSingleton<IValidateOptions<ConfiguredIssuers>, ConfiguredIssuersValidator>()
            .AddOptions<ConfiguredIssuers>().Configure<IConfiguration>((o, all) => o.Read(all)).ValidateOnStart();
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

    // What is no address has another sentence.
    static bool MayAsk(string address, IHostEnvironment environment) =>
        !HttpAddressAttribute.Is(address, mayHavePath: true) || ProviderClient.MayAsk(new(address), environment);

    static bool HasKey(AppleOptions options)
    {
        try
        {
            options.ReadPrivateKey().Dispose();
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or CryptographicException)
        {
            return false;
        }
    }
}
