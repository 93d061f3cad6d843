using System.ComponentModel.DataAnnotations;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Identities;

/// <summary>
/// Settings of logging in with another OpenID Connect issuer. Its name, which apps send as <c>provider</c>, is lower-case letters, digits,
/// hyphens and underscores.
/// </summary>
public sealed class IssuerOptions
{
    /// <summary>The client ids whose tokens are taken. Without one the issuer is off.</summary>
    public IReadOnlyList<string> Audiences { get; set; } = [];

    /// <summary>The <c>iss</c> of its tokens, an https address; outside Production also <c>http://localhost</c>.</summary>
    [HttpAddress(mayHavePath: true), Required(ErrorMessage = "{0} must be set.")]
    public string? Issuer { get; set; }

    /// <summary>The address of its metadata (OpenID Connect Discovery).</summary>
    /// <value><see cref="Issuer"/> with <c>/.well-known/openid-configuration</c></value>
    [HttpAddress(mayHavePath: true)]
    public string? MetadataAddress { get; set; }

    /// <summary>Whether the apps hand the issuer the SHA-256 of the nonce in lower-case hexadecimal, and not the nonce itself.</summary>
    public bool HashesNonce { get; set; }

    /// <summary>
    /// Whether an address that the issuer calls verified is believed: new accounts take it, and who owns it there logs in to the account
    /// here. Only for an issuer that verifies every address, such as that of a company for its own people.
    /// </summary>
    public bool TrustsEmail { get; set; }
}
