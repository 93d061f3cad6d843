using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Profiles.Infrastructure.Tokens;

/// <summary>
/// A refresh token: 128 random bits that all tokens of a session share, so that a used one is recognized, and 256 random bits of its own.
/// Its text is base64url (RFC 4648) without padding.
/// </summary>
sealed class RefreshToken
{
    const int FamilyBytes = 16, SecretBytes = 32;

    /// <summary>The length in characters.</summary>
    public const int Length = (FamilyBytes + SecretBytes) / 3 * 4;

    // Binds what is derived from a secret to this use.
    static readonly byte[] Purpose = "profiles refresh successor"u8.ToArray();

    readonly byte[] family, secret;

    RefreshToken(byte[] family, byte[] secret) => (this.family, this.secret) = (family, secret);

    /// <summary>SHA-256: random bits need no slow hash.</summary>
    public byte[] FamilyHash => SHA256.HashData(family);

    /// <summary>SHA-256.</summary>
    public byte[] SecretHash => SHA256.HashData(secret);

    /// <summary>Creates the first token of a new session.</summary>
    public static RefreshToken New() => new(RandomNumberGenerator.GetBytes(FamilyBytes), RandomNumberGenerator.GetBytes(SecretBytes));

    /// <summary>Reads a token as a client sent it; false when it is malformed.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out RefreshToken? token)
    {
        token = null;
        if (text.Length != Length || !Base64Url.IsValid(text))
            return false;
        var bytes = Base64Url.DecodeFromChars(text);
        if (bytes.Length != FamilyBytes + SecretBytes)
            return false;
        token = new(bytes[..FamilyBytes], bytes[FamilyBytes..]);
        return true;
    }

    /// <summary>Creates the next token of the same session.</summary>
    public RefreshToken Next() => new(family, RandomNumberGenerator.GetBytes(SecretBytes));

    /// <summary>Encrypts the successor's secret for this token alone. A one-time pad: each token has one successor.</summary>
    public byte[] Seal(RefreshToken successor) => Mask(successor.secret);

    /// <summary>Decrypts the successor that <see cref="Seal"/> encrypted.</summary>
    public RefreshToken Open(byte[] successor) => new(family, Mask(successor));

    /// <summary>Whether the hash is of this secret, in constant time.</summary>
    public bool IsOf(byte[]? hash) => hash is not null && CryptographicOperations.FixedTimeEquals(SecretHash, hash);

    public override string ToString() => Base64Url.EncodeToString([.. family, .. secret]);

    byte[] Mask(byte[] text)
    {
        var pad = HMACSHA256.HashData(secret, Purpose);
        for (var i = 0; i < pad.Length; i++)
            pad[i] ^= text[i];
        return pad;
    }
}
