using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Profiles.Infrastructure.Tokens;

/// <summary>
/// A refresh token: 128 random bits that all tokens of a session have in common, so that an old one is known for what it is, and 256 random bits of its own.
/// As text it is base64url (RFC 4648) without padding.
/// </summary>
sealed class RefreshToken
{
    const int FamilyBytes = 16, SecretBytes = 32;

    /// <summary>In characters.</summary>
    public const int Length = (FamilyBytes + SecretBytes) / 3 * 4;

    // What is made with a secret serves for one thing only.
    static readonly byte[] Purpose = "profiles refresh successor"u8.ToArray();

    readonly byte[] family, secret;

    RefreshToken(byte[] family, byte[] secret) => (this.family, this.secret) = (family, secret);

    /// <summary>SHA-256; random bits need no slow hash.</summary>
    public byte[] FamilyHash => SHA256.HashData(family);

    /// <summary>SHA-256.</summary>
    public byte[] SecretHash => SHA256.HashData(secret);

    /// <summary>The first of a new session.</summary>
    public static RefreshToken New() => new(RandomNumberGenerator.GetBytes(FamilyBytes), RandomNumberGenerator.GetBytes(SecretBytes));

    /// <summary>Reads one as a client sent it; false for what cannot be one.</summary>
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

    /// <summary>Another of the same session.</summary>
    public RefreshToken Next() => new(family, RandomNumberGenerator.GetBytes(SecretBytes));

    /// <summary>A successor's secret in a form that only this token opens; each token serves for one successor, as a one-time pad must.</summary>
    public byte[] Seal(RefreshToken successor) => Mask(successor.secret);

    /// <summary>The successor that <see cref="Seal"/> was given.</summary>
    public RefreshToken Open(byte[] successor) => new(family, Mask(successor));

    /// <summary>Whether this is the secret of which a hash is kept, in constant time.</summary>
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
