using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Tokens;

/// <summary>
/// Encrypts a secret for the place where it is stored: AES-256-GCM (NIST SP 800-38D) under a key derived with HKDF-SHA-256 (RFC 5869).
/// Without a key encryption key it is stored in plain text.
/// </summary>
/// <param name="keyEncryptionKey"><see cref="JwtOptions.KeyEncryptionKey"/>.</param>
/// <param name="purpose">What it encrypts: a row of one kind cannot be read as another.</param>
sealed class KeyEnvelope(string? keyEncryptionKey, string purpose = "signing key")
{
    const string Prefix = "aes256gcm:";

    const int NonceBytes = 12, TagBytes = 16;

    readonly byte[]? key = keyEncryptionKey is null
        ? null
        : HKDF.DeriveKey(
            HashAlgorithmName.SHA256, Encoding.ASCII.GetBytes(keyEncryptionKey), 32, info: Encoding.ASCII.GetBytes($"profiles {purpose}"));

    /// <summary>Whether the stored value is in plain text although the setting to encrypt it is there.</summary>
    public bool ShouldSeal(string stored) => key is not null && !stored.StartsWith(Prefix, StringComparison.Ordinal);

    public string Seal(string secret)
    {
        if (key is null)
            return secret;
        var plain = Encoding.ASCII.GetBytes(secret);
        var sealedBytes = new byte[NonceBytes + TagBytes + plain.Length];
        var (nonce, tag, cipher) = Split(sealedBytes);
        RandomNumberGenerator.Fill(nonce.Span);
        using var aes = new AesGcm(key, TagBytes);
        aes.Encrypt(nonce.Span, plain, cipher.Span, tag.Span);
        return Prefix + Base64Url.EncodeToString(sealedBytes);
    }

    /// <summary>The stored value, encrypted as well when it is in plain text.</summary>
    public string Sealed(string stored) => ShouldSeal(stored) ? Seal(stored) : stored;

    /// <summary>Throws <see cref="StartException"/> when the setting is missing or the value was encrypted with another one.</summary>
    /// <param name="stored">The value.</param>
    /// <param name="place">Where it is stored, for the exception's sentence.</param>
    public string Open(string stored, string place = "the database")
    {
        if (!stored.StartsWith(Prefix, StringComparison.Ordinal))
            return stored;
        if (key is null)
            throw new StartException($"The {purpose} in {place} is encrypted: Jwt__KeyEncryptionKey must be set.");
        try
        {
            var sealedBytes = Base64Url.DecodeFromChars(stored.AsSpan(Prefix.Length));
            var (nonce, tag, cipher) = Split(sealedBytes);
            var plain = new byte[cipher.Length];
            using var aes = new AesGcm(key, TagBytes);
            aes.Decrypt(nonce.Span, cipher.Span, tag.Span, plain);
            return Encoding.ASCII.GetString(plain);
        }
        catch (Exception e) when (e is CryptographicException or FormatException or ArgumentException)
        {
            throw new StartException(
                $"The {purpose} in {place} cannot be decrypted: Jwt__KeyEncryptionKey is not the one that it was encrypted with, "
                    + "or it is damaged.");
        }
    }

    /// <summary>Whether <see cref="Open"/> returns the value, in place of a sentence that stops the start.</summary>
    public bool CanOpen(string stored)
    {
        try
        {
            Open(stored);
            return true;
        }
        catch (StartException)
        {
            return false;
        }
    }

    static (Memory<byte> Nonce, Memory<byte> Tag, Memory<byte> Cipher) Split(byte[] all) =>
        (all.AsMemory(0, NonceBytes), all.AsMemory(NonceBytes, TagBytes), all.AsMemory(NonceBytes + TagBytes));
}
