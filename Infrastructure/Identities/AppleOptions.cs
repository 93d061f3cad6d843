using System.ComponentModel.DataAnnotations;
using System.Security.Cryptography;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Identities;

/// <summary>Settings of logging in with Apple.</summary>
public sealed class AppleOptions
{
    /// <summary>The app's bundle ids, and the services ids of other platforms, whose tokens are taken. Without one Apple is off.</summary>
    public IReadOnlyList<string> Audiences { get; set; } = [];

    /// <summary>
    /// The team's id, ten characters. With <see cref="KeyId"/> and <see cref="PrivateKeyFile"/> it lets the service revoke Apple's tokens
    /// when an account is deleted, which Apple asks for.
    /// </summary>
    [RegularExpression("[A-Z0-9]{10}", ErrorMessage = "{0} must be ten capital letters and digits.")]
    public string? TeamId { get; set; }

    /// <summary>The id of the key for Sign in with Apple, ten characters.</summary>
    [RegularExpression("[A-Z0-9]{10}", ErrorMessage = "{0} must be ten capital letters and digits.")]
    public string? KeyId { get; set; }

    /// <summary>The file with that key, as Apple hands it out (<c>.p8</c>).</summary>
    public string? PrivateKeyFile { get; set; }

    /// <summary>The issuer of the tokens, which also exchanges and revokes them.</summary>
    [HttpAddress(mayHavePath: true), Required]
    public string Issuer { get; set; } = "https://appleid.apple.com";

    /// <summary>Whether Apple's tokens are kept, to be revoked one day.</summary>
    internal bool Revokes => PrivateKeyFile is not null;

    /// <summary>Reads the key.</summary>
    /// <exception cref="Exception">It cannot be read, or is of another kind.</exception>
    internal ECDsa ReadPrivateKey()
    {
        var key = ECDsa.Create();
        try
        {
            key.ImportFromPem(File.ReadAllText(PrivateKeyFile!));
            return key.KeySize == 256 ? key : throw new CryptographicException("It is not a key of P-256.");
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }
}
