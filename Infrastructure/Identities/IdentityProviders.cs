using Microsoft.Extensions.Options;

namespace Profiles.Infrastructure.Identities;

/// <summary>The providers that the settings turn on.</summary>
sealed class IdentityProviders(IOptions<AppleOptions> apple, IOptions<GoogleOptions> google, IOptions<ConfiguredIssuers> issuers)
{
    readonly Dictionary<string, IdentityProvider> all = All(apple.Value, google.Value, issuers.Value)
        .Where(p => p.Audiences.Count > 0).ToDictionary(p => p.Name);

    public IReadOnlyList<string> Names => [.. all.Keys];

    public IdentityProvider? Find(string name) => all.GetValueOrDefault(name);

    static IEnumerable<IdentityProvider> All(AppleOptions apple, GoogleOptions google, ConfiguredIssuers issuers)
    {
        // Apple's SDK takes a nonce as it is; hashing it first is Apple's advice, which every library follows.
        yield return IdentityProvider.Of(
            IdentityProvider.Apple, new() { Audiences = apple.Audiences, Issuer = apple.Issuer, HashesNonce = true, TrustsEmail = true });
        var known = IdentityProvider.Of(
            IdentityProvider.Google, new() { Audiences = google.Audiences, Issuer = google.Issuer, HashesNonce = google.HashesNonce });
        // https://developers.google.com/identity/openid-connect/openid-connect#an-id-tokens-payload
        yield return known with { Issuers = [google.Issuer, google.Issuer.Split("://")[1]], Trust = EmailTrust.OwnDomains };
        foreach (var (name, issuer) in issuers)
            yield return IdentityProvider.Of(name, issuer);
    }
}
