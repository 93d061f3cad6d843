using System.Text.RegularExpressions;

namespace Profiles.Infrastructure.Identities;

/// <summary>How far a provider's word on an address is believed.</summary>
enum EmailTrust
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>It has verified the address; it decides over those of its own domains, so who logs in with one owns it.</summary>
    OwnDomains,

    /// <summary>It decides over every address that it calls verified.</summary>
    All,
}

/// <summary>Whose identity tokens are taken (OpenID Connect Core).</summary>
/// <param name="Name">What apps call it.</param>
/// <param name="Issuers">The spellings of its <c>iss</c>; the first is that of its metadata.</param>
/// <param name="MetadataAddress">Where its metadata is.</param>
/// <param name="Audiences">Whom its tokens must be for.</param>
/// <param name="HashesNonce">Whether its tokens have the SHA-256 of the nonce in hexadecimal.</param>
/// <param name="Trust">Whether its addresses are believed.</param>
sealed partial record IdentityProvider(
    string Name, IReadOnlyList<string> Issuers, string MetadataAddress, IReadOnlyList<string> Audiences, bool HashesNonce, EmailTrust Trust)
{
    public const string Apple = "apple", Google = "google";

    /// <summary>Whether a provider can have this name.</summary>
    public static bool IsName(string name) => NameForm().IsMatch(name);

    public static IdentityProvider Of(string name, IssuerOptions issuer) => new(
        name, [issuer.Issuer!], issuer.MetadataAddress ?? $"{issuer.Issuer!.TrimEnd('/')}/.well-known/openid-configuration",
        issuer.Audiences, issuer.HashesNonce, issuer.TrustsEmail ? EmailTrust.All : EmailTrust.None);

    // Identity.ProviderMaxLength.
    [GeneratedRegex(@"^[a-z0-9][a-z0-9_-]{0,49}\z")]
    private static partial Regex NameForm();
}
