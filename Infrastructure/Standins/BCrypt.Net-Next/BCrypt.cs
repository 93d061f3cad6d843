using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace BCrypt.Net;

/// <summary>bcrypt as BCrypt.Net-Next offers it, computed by libcrypt, which logs people in on Linux.</summary>
public static partial class BCrypt
{
    const string Alphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    const int SettingLength = 29; // $2a$10$ and 22 characters of salt
    const int KeyLength = 72; // bcrypt reads no further; libcrypt refuses 512 bytes
    const int CryptDataSize = 32_768;
    static readonly SearchValues<char> SaltCharacters = SearchValues.Create(Alphabet);
    static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Hashes with a fresh salt, as $2a$; the work factor is the logarithm of the rounds, from 4 to 31.</summary>
    public static string HashPassword(string inputKey, int workFactor)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(workFactor, 4);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(workFactor, 31);
        // 128 bits: 21 characters of six bits, and one that can only carry two.
        var salt = RandomNumberGenerator.GetString(Alphabet, 21) + RandomNumberGenerator.GetString(".Oeu", 1);
        return HashPassword(inputKey, string.Create(CultureInfo.InvariantCulture, $"$2a${workFactor:D2}${salt}"));
    }

    /// <summary>Hashes with the salt, revision and work factor that the salt, or a whole hash, begins with.</summary>
    public static string HashPassword(string inputKey, string salt)
    {
        ArgumentNullException.ThrowIfNull(inputKey);
        ArgumentException.ThrowIfNullOrEmpty(salt);
        if (inputKey.Contains('\0'))
            throw new ArgumentException("libcrypt would stop reading at the NUL.", nameof(inputKey));
        var setting = Setting(salt);
        if (setting.AsSpan(7).ContainsAnyExcept(SaltCharacters))
            throw new SaltParseException("Invalid salt characters");
        return Crypt(Utf8.GetBytes(inputKey), setting);
    }

    /// <summary>Whether the hash was made from the text; a hash that is not bcrypt's throws.</summary>
    public static bool Verify(string text, string hash)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentException.ThrowIfNullOrEmpty(hash);
        Setting(hash);
        return WholeHash().IsMatch(hash) && !text.Contains('\0')
            && CryptographicOperations.FixedTimeEquals(Utf8.GetBytes(hash), Utf8.GetBytes(HashPassword(text, hash)));
    }

    /// <summary>Whether the hash was made with a lower work factor than the one given.</summary>
    public static bool PasswordNeedsRehash(string hash, int newMinimumWorkLoad)
    {
        ArgumentNullException.ThrowIfNull(hash);
        return WholeHash().IsMatch(hash) ? Rounds(hash) < newMinimumWorkLoad : throw new SaltParseException("Invalid Hash Format");
    }

    // Given anything else, libcrypt would quietly compute DES or MD5; the exceptions are of the real one's types.
    static string Setting(string salt)
    {
        if (!salt.StartsWith("$2", StringComparison.Ordinal))
            throw new SaltParseException("Invalid salt version");
        if (salt[2] is not ('a' or 'b' or 'y') || salt[3] != '$')
            throw new SaltParseException("Invalid salt revision");
        if (salt[6] != '$')
            throw new SaltParseException("Missing salt rounds");
        return Rounds(salt) switch
        {
            < 1 or > 31 => throw new SaltParseException("Salt rounds out of range"),
            < 4 => throw new ArgumentException("Bad number of rounds", nameof(salt)),
            _ => salt[..SettingLength],
        };
    }

    static int Rounds(string hash) => int.Parse(hash.AsSpan(4, 2), NumberStyles.None, CultureInfo.InvariantCulture);

    static unsafe string Crypt(byte[] key, string setting)
    {
        var phrase = new byte[KeyLength + 1];
        var data = new byte[CryptDataSize];
        key.AsSpan(0, Math.Min(key.Length, KeyLength)).CopyTo(phrase);
        fixed (byte* phraseStart = phrase, settingStart = Encoding.ASCII.GetBytes(setting + '\0'), dataStart = data)
        {
            var hash = Marshal.PtrToStringUTF8((nint)crypt_rn(phraseStart, settingStart, dataStart, CryptDataSize));
            Array.ForEach([key, phrase, data], used => CryptographicOperations.ZeroMemory(used));
            return hash is { Length: 60 } ? hash : throw new InvalidOperationException("libcrypt does not know bcrypt.");
        }
    }

    [LibraryImport("libcrypt.so.1")]
    private static unsafe partial byte* crypt_rn(byte* phrase, byte* setting, byte* data, int size);

    [GeneratedRegex(@"^\$2[aby]\$[0-9]{2}\$[./0-9A-Za-z]{53}\z")]
    private static partial Regex WholeHash();
}

/// <summary>A salt or a hash is not one of bcrypt's.</summary>
public class SaltParseException(string message) : Exception(message);
