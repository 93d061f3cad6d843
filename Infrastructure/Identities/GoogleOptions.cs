using System.ComponentModel.DataAnnotations;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Identities;

/// <summary>Settings of logging in with Google.</summary>
public sealed class GoogleOptions
{
    /// <summary>
    /// The OAuth client ids whose tokens are taken: that of the web application, which Android and newer apps ask with, and that of iOS.
    /// Without one Google is off.
    /// </summary>
    public IReadOnlyList<string> Audiences { get; set; } = [];

    /// <summary>
    /// Whether the apps hand Google the SHA-256 of the nonce in lower-case hexadecimal, as they do for Apple, and not the nonce itself.
    /// </summary>
    public bool HashesNonce { get; set; }

    /// <summary>The issuer of the tokens, whose <c>iss</c> may lack <c>https://</c>.</summary>
    [HttpAddress(mayHavePath: true), Required]
    public string Issuer { get; set; } = "https://accounts.google.com";
}
