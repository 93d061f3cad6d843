using Microsoft.Extensions.Options;
using OtpNet;
using Profiles.Infrastructure.Tokens;

namespace Profiles.Infrastructure.SecondFactors;

/// <summary>
/// Makes and stores the secrets of authenticator apps, and compares their codes (TOTP, RFC 6238): SHA-1, six digits, 30 seconds, because
/// most apps take no other.
/// </summary>
sealed class TotpSecrets(IOptions<JwtOptions> jwt, TimeProvider clock)
{
    // RFC 4226, 4: at least 128 bits, 160 recommended. Other services have given 80.
    const int Bytes = 20, LeastImportedBytes = 10, MostImportedBytes = 64;

    const int Digits = 6;

    /// <summary>The form of a code, as JSON Schema writes it.</summary>
    public const string CodeForm = "^[0-9]{6}$";

    readonly KeyEnvelope envelope = new(jwt.Value.KeyEncryptionKey, "second factor");

    /// <summary>A new secret in Base32, as a person types it into the app.</summary>
    public static string New() => Base32Encoding.ToString(KeyGeneration.GenerateRandomKey(Bytes));

    /// <summary>The secret of another service in the form that is stored, before it is sealed; null when it is none.</summary>
    public static string? Normalize(string base32)
    {
        var text = base32.Replace(" ", "", StringComparison.Ordinal).TrimEnd('=').ToUpperInvariant();
        if (text.Length is 0 or > MostImportedBytes * 2 || !text.All(c => c is (>= 'A' and <= 'Z') or (>= '2' and <= '7')))
            return null;
        return Base32Encoding.ToBytes(text) is { Length: >= LeastImportedBytes and <= MostImportedBytes } bytes
            ? Base32Encoding.ToString(bytes).TrimEnd('=') : null;
    }

    /// <summary>What the app scans as a QR code (otpauth).</summary>
    public static string Address(string secret, string product, string account) =>
        // A colon separates the two.
        new OtpUri(OtpType.Totp, secret, account.Replace(':', ' '), product.Replace(':', ' ')).ToString();

    /// <summary>Whether a text has the form of a code.</summary>
    public static bool IsCode(string text) => text.Length == Digits && text.All(char.IsAsciiDigit);

    public string Seal(string secret) => envelope.Seal(secret);

    /// <summary>The stored value, encrypted as well when it is in plain text and there is a key by now.</summary>
    public string Sealed(string stored) => envelope.Sealed(stored);

    /// <summary>Whether the present key opens it.</summary>
    public bool CanOpen(string stored) => envelope.CanOpen(stored);

    /// <summary>The time step of which this is the code, one before or after the present one included; null when it is of none.</summary>
    public long? FindStep(string stored, string code) =>
        IsCode(code) && new Totp(Base32Encoding.ToBytes(envelope.Open(stored)), totpSize: Digits).VerifyTotp(
            clock.GetUtcNow().UtcDateTime, code, out var step, VerificationWindow.RfcSpecifiedNetworkDelay) ? step : null;
}
