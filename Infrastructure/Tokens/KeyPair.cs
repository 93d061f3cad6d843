using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.IdentityModel.Tokens;
using Profiles.Data;

namespace Profiles.Infrastructure.Tokens;

/// <summary>A key of the ring, ready to sign and to verify with: ECDSA on P-256 with SHA-256 (ES256, RFC 7518).</summary>
sealed class KeyPair : IDisposable
{
    /// <summary>The type of an access token by RFC 9068.</summary>
    public const string TokenType = "at+jwt";

    const int SignatureBytes = 64;

    static readonly byte[] HeaderStart = "{\"alg\":\"ES256\",\"kid\":\""u8.ToArray(), HeaderEnd = "\",\"typ\":\"at+jwt\"}"u8.ToArray();

    // Its parameters are not changed after it was imported, so that requests share it as they share the framework's own keys. One of a
    // ring ends with its last request, which nobody counts: the finaliser of its handle frees it.
    readonly ECDsa key;
    readonly byte[] header;

    /// <summary>Throws <see cref="CryptographicException"/> and <see cref="FormatException"/> for a damaged key.</summary>
    /// <param name="privateKey">PKCS#8 in Base64url.</param>
    public KeyPair(string privateKey)
    {
        key = ECDsa.Create();
        key.ImportPkcs8PrivateKey(Base64Url.DecodeFromChars(privateKey), out _);
        var parameters = key.ExportParameters(includePrivateParameters: false);
        if (parameters.Curve.Oid.Value != ECCurve.NamedCurves.nistP256.Oid.Value)
            throw new CryptographicException("The key is on another curve.");
        (X, Y) = (Base64Url.EncodeToString(parameters.Q.X), Base64Url.EncodeToString(parameters.Q.Y));
        Id = Base64Url.EncodeToString(SHA256.HashData(
            Encoding.ASCII.GetBytes($$"""{"crv":"P-256","kty":"EC","x":"{{X}}","y":"{{Y}}"}""")));
        header =
        [
            .. Encoding.ASCII.GetBytes(Base64Url.EncodeToString([.. HeaderStart, .. Encoding.ASCII.GetBytes(Id), .. HeaderEnd])),
            (byte)'.',
        ];
        Credentials = new(new ECDsaSecurityKey(key) { KeyId = Id }, SecurityAlgorithms.EcdsaSha256);
    }

    /// <summary>The <c>kid</c>: the thumbprint of the public key (RFC 7638).</summary>
    public string Id { get; }

    /// <summary>A coordinate of the public key in Base64url.</summary>
    public string X { get; }

    /// <inheritdoc cref="X"/>
    public string Y { get; }

    public SigningCredentials Credentials { get; }

    /// <summary>The header of every token that it signs, with the dot: one with "jku", "crit" or the like is not ours.</summary>
    public ReadOnlySpan<byte> Header => header;

    /// <summary>Generates a private key as the constructor takes it.</summary>
    public static string Generate()
    {
        using var fresh = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return Base64Url.EncodeToString(fresh.ExportPkcs8PrivateKey());
    }

    /// <summary>Whether the token has the header of a key, of this ring or not.</summary>
    public static bool IsNamedBy(ReadOnlySpan<byte> token)
    {
        var length = HeaderStart.Length + RingKey.IdLength + HeaderEnd.Length;
        Span<byte> json = stackalloc byte[length];
        var end = Base64Url.GetEncodedLength(length);
        return token.Length > end && token[end] == '.'
            && Base64Url.DecodeFromUtf8(token[..end], json, out _, out var written) == OperationStatus.Done && written == length
            && json.StartsWith(HeaderStart) && json.EndsWith(HeaderEnd);
    }

    /// <summary>
    /// Whether it made the signature, of which only one spelling in Base64url is right. ECDSA has a second signature (r, n − s) for each,
    /// which any verifier accepts: nothing here counts or remembers tokens by their text.
    /// </summary>
    public bool HasSigned(ReadOnlySpan<byte> text, ReadOnlySpan<byte> signature)
    {
        Span<byte> bytes = stackalloc byte[SignatureBytes], again = stackalloc byte[Base64Url.GetEncodedLength(SignatureBytes)];
        return signature.Length == again.Length
            && Base64Url.DecodeFromUtf8(signature, bytes, out _, out var written) == OperationStatus.Done && written == bytes.Length
            && Base64Url.EncodeToUtf8(bytes, again) == again.Length && again.SequenceEqual(signature)
            && key.VerifyData(text, bytes, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
    }

    public void Dispose() => key.Dispose();

    /// <summary>Writes the public key (RFC 7517).</summary>
    public void WritePublic(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("kty", "EC");
        json.WriteString("crv", "P-256");
        json.WriteString("x", X);
        json.WriteString("y", Y);
        json.WriteString("kid", Id);
        json.WriteString("use", "sig");
        json.WriteString("alg", "ES256");
        json.WriteEndObject();
    }
}
