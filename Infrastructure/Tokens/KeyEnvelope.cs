using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Tokens;

/// <summary>Encrypts the signing key for its row: AES-256-GCM (NIST SP 800-38D) under a key derived with HKDF-SHA-256 (RFC 5869). Without a key encryption key it is kept as it is.</summary>
sealed class KeyEnvelope(string? keyEncryptionKey)
{
    const string Mark = "aes256gcm:";

    const int NonceBytes = 12, TagBytes = 16;

    // So that what is derived here serves here only.
    static readonly byte[] Purpose = "profiles signing key"u8.ToArray();

    readonly byte[]? key = keyEncryptionKey is null ? null : HKDF.DeriveKey(HashAlgorithmName.SHA256, Encoding.ASCII.GetBytes(keyEncryptionKey), 32, info: Purpose);

    /// <summary>Whether this is kept open although it could be encrypted: the setting is newer than the row.</summary>
    public bool ShouldSeal(string kept) => key is not null && !kept.StartsWith(Mark, StringComparison.Ordinal);

    public string Seal(string signingKey)
    {
        if (key is null)
            return signingKey;
        var plain = Encoding.ASCII.GetBytes(signingKey);
        var sealedBytes = new byte[NonceBytes + TagBytes + plain.Length];
        var (nonce, tag, cipher) = Split(sealedBytes);
        RandomNumberGenerator.Fill(nonce.Span);
        using var aes = new AesGcm(key, TagBytes);
        aes.Encrypt(nonce.Span, plain, cipher.Span, tag.Span);
        return Mark + Base64Url.EncodeToString(sealedBytes);
    }

    /// <summary>Throws <see cref="StartException"/> when the setting is missing or is not the one that it was encrypted with.</summary>
    public string Open(string kept)
    {
        if (!kept.StartsWith(Mark, StringComparison.Ordinal))
            return kept;
        if (key is null)
            throw new StartException("The signing key in the database is encrypted: Jwt__KeyEncryptionKey must be set.");
        try
        {
            var sealedBytes = Base64Url.DecodeFromChars(kept.AsSpan(Mark.Length));
            var (nonce, tag, cipher) = Split(sealedBytes);
            var plain = new byte[cipher.Length];
            using var aes = new AesGcm(key, TagBytes);
            aes.Decrypt(nonce.Span, cipher.Span, tag.Span, plain);
            return Encoding.ASCII.GetString(plain);
        }
        catch (Exception e) when (e is CryptographicException or FormatException or ArgumentException)
        {
            throw new StartException("The signing key in the database cannot be decrypted: Jwt__KeyEncryptionKey is not the one that it was encrypted with, or the row is damaged.");
        }
    }

    static (Memory<byte> Nonce, Memory<byte> Tag, Memory<byte> Cipher) Split(byte[] all) =>
        (all.AsMemory(0, NonceBytes), all.AsMemory(NonceBytes, TagBytes), all.AsMemory(NonceBytes + TagBytes));
}
