using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Profiles.Data;
using static BCrypt.Net.BCrypt;

namespace Profiles.Infrastructure.Passwords;

/// <summary>
/// Hashes passwords of at most <see cref="User.PasswordMaxBytes"/> without NUL: by libcrypt where it is there and hashes a known one
/// correctly, else by BCrypt.Net, which takes 1.28 times as long (ADR 1).
/// </summary>
/// <param name="native">Hashes a password by a salt in libcrypt; a result that is no hash leaves it to BCrypt.Net.</param>
sealed unsafe class Bcrypt(Func<string, string, string?> native)
{
    // A salt has its version and cost before it. The size is that of libxcrypt's struct crypt_data.
    const int SaltLength = 29, CryptDataSize = 32768;

    // Beyond ASCII, where faulty versions of bcrypt differ.
    const string KnownPassword = "U*U π", KnownHash = "$2a$04$CCCCCCCCCCCCCCCCCCCCC.xBiOCVIrKO58xW4EkmwELHUzmfesiRi";

    static readonly nint CryptRn =
        NativeLibrary.TryLoad("libcrypt.so.1", out var library) && NativeLibrary.TryGetExport(library, "crypt_rn", out var function)
            ? function : 0;

    // The salt alone is handed over, so that a library that returns what it is given does not pass.
    readonly Lazy<bool> works = new(() => native(KnownPassword, KnownHash[..SaltLength]) == KnownHash);

    public string Hash(string password, int cost) => HashBySalt(password, GenerateSalt(cost));

    /// <summary>Compares in constant time.</summary>
    public bool Verify(string password, string hash) => CryptographicOperations.FixedTimeEquals(
        MemoryMarshal.AsBytes<char>(HashBySalt(password, hash[..SaltLength])), MemoryMarshal.AsBytes<char>(hash));

    /// <summary>The hash by libcrypt; null where it is not there or refuses the salt.</summary>
    internal static string? Libcrypt(string password, string salt)
    {
        if (CryptRn == 0)
            return null;
        byte* phrase = stackalloc byte[User.PasswordMaxBytes + 1], setting = stackalloc byte[SaltLength + 1];
        var data = stackalloc byte[CryptDataSize];
        Encoding.UTF8.GetBytes(password, new Span<byte>(phrase, User.PasswordMaxBytes));
        Encoding.ASCII.GetBytes(salt, new Span<byte>(setting, SaltLength));
        var hash = ((delegate* unmanaged<byte*, byte*, byte*, int, byte*>)CryptRn)(phrase, setting, data, CryptDataSize);
        var text = Marshal.PtrToStringUTF8((nint)hash);
        CryptographicOperations.ZeroMemory(new Span<byte>(phrase, User.PasswordMaxBytes));
        CryptographicOperations.ZeroMemory(new Span<byte>(data, CryptDataSize));
        return text;
    }

    string HashBySalt(string password, string salt) =>
        works.Value && native(password, salt) is { Length: User.PasswordHashLength } hash ? hash : HashPassword(password, salt);
}
