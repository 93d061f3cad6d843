using System.Security.Cryptography;
using System.Text;
using Profiles.Data;

namespace Profiles.Infrastructure.Passwords;

/// <summary>
/// Another service's hash of a password, in a text that has its parameters. It is verified until a login replaces it; bcrypt's, which are
/// the service's own, are not among them.
/// </summary>
/// <param name="expected">What the password must give.</param>
abstract class ImportedHash(byte[] expected)
{
    /// <summary>A shorter hash would be guessed sooner than its password.</summary>
    protected const int MinBytes = 16;

    protected const int MaxBytes = 64;

    /// <summary>The name without the parameters, such as <c>argon2id</c>.</summary>
    public abstract string Algorithm { get; }

    /// <summary>What a verification needs of memory.</summary>
    public virtual long MemoryBytes => 0;

    /// <summary>Whether a login would take more than about 128 MiB or two seconds of a core.</summary>
    public abstract bool IsTooCostly { get; }

    /// <summary>Reads a hash in any format that is known; null when it is in none.</summary>
    public static ImportedHash? Read(string hash) =>
        hash.Length > User.ImportedHashMaxLength || hash.StartsWith("$2", StringComparison.Ordinal)
            ? null : Argon2Hash.Read(hash) ?? Pbkdf2Hash.Read(hash) ?? (ImportedHash?)FirebaseHash.Read(hash);

    /// <summary>Compares in constant time.</summary>
    public bool Verify(string password) =>
        CryptographicOperations.FixedTimeEquals(Derive(Encoding.UTF8.GetBytes(password), expected.Length), expected);

    protected abstract byte[] Derive(byte[] password, int length);

    /// <summary>
    /// Decodes Base64 with or without padding, in the alphabets of RFC 4648 and of passlib (a dot for the plus sign). Null when it is none
    /// or has another length.
    /// </summary>
    protected static byte[]? Decode(string text, int min, int max)
    {
        var standard = text.TrimEnd('=').Replace('.', '+').Replace('-', '+').Replace('_', '/');
        var bytes = new byte[text.Length];
        return Convert.TryFromBase64String(standard.PadRight((standard.Length + 3) / 4 * 4, '='), bytes, out var length)
            && length >= min && length <= max ? bytes[..length] : null;
    }
}
