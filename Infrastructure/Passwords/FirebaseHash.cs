using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Org.BouncyCastle.Crypto.Generators;

namespace Profiles.Infrastructure.Passwords;

/// <summary>
/// Firebase's modified scrypt: the project's signer key, encrypted with what scrypt makes of the password
/// (https://github.com/firebase/scrypt). In a format of the service's own, which <see cref="FirebaseParameters"/> writes.
/// </summary>
sealed partial class FirebaseHash : ImportedHash
{
    const long MaxMemoryBytes = 64 * 1024 * 1024;

    const int KeyBytes = 32, BlockBytes = 16;

    readonly int rounds, memoryCost;
    readonly byte[] signerKey, salt;

    FirebaseHash(int memoryCost, int rounds, byte[] signerKey, byte[] salt, byte[] expected) : base(expected) =>
        (this.memoryCost, this.rounds, this.signerKey, this.salt) = (memoryCost, rounds, signerKey, salt);

    public override string Algorithm => "scrypt";

    public override long MemoryBytes => (128L * rounds) << memoryCost;

    public override bool IsTooCostly => MemoryBytes > MaxMemoryBytes;

    public static new FirebaseHash? Read(string hash)
    {
        if (Form().Match(hash) is not { Success: true } match)
            return null;
        var (memoryCost, rounds) = (Number(1), Number(2));
        return memoryCost is > 0 and < 32 && rounds > 0
            && Decode(match.Groups[3].Value, MinBytes, MaxBytes) is { } signerKey
            && Decode(match.Groups[4].Value, 0, MaxBytes) is { } separator
            && Decode(match.Groups[5].Value, 1, MaxBytes) is { } salt
            && Decode(match.Groups[6].Value, signerKey.Length, signerKey.Length) is { } expected
                ? new(memoryCost, rounds, signerKey, [.. salt, .. separator], expected) : null;

        int Number(int group) => int.Parse(match.Groups[group].ValueSpan, CultureInfo.InvariantCulture);
    }

    protected override byte[] Derive(byte[] password, int length)
    {
        using var aes = Aes.Create();
        aes.Key = SCrypt.Generate(password, salt, 1 << memoryCost, rounds, 1, MaxBytes)[..KeyBytes];
        // .NET has no counter mode: the encrypted counters, from zero, are its key stream.
        var counters = new byte[MaxBytes];
        for (var block = 1; block * BlockBytes < counters.Length; block++)
            BinaryPrimitives.WriteInt32BigEndian(counters.AsSpan((block * BlockBytes) + BlockBytes - sizeof(int)), block);
        var stream = aes.EncryptEcb(counters, PaddingMode.None);
        return [.. signerKey.Zip(stream, (k, s) => (byte)(k ^ s))];
    }

    [GeneratedRegex(@"^\$firebase-scrypt\$m=([0-9]{1,2}),r=([0-9]{1,2})\$([^$]+)\$([^$]*)\$([^$]+)\$([^$]+)\z")]
    private static partial Regex Form();
}

/// <summary>The parameters of all hashes of a Firebase project.</summary>
/// <param name="SignerKey">Base64. Whoever has the hashes but not this key cannot guess passwords.</param>
/// <param name="SaltSeparator">Base64.</param>
/// <param name="Rounds">scrypt's block size.</param>
/// <param name="MemCost">The base-2 logarithm of scrypt's cost.</param>
sealed partial record FirebaseParameters(string SignerKey, string SaltSeparator, string Rounds, string MemCost)
{
    // Of the text, which has about 300 characters.
    const int MaxLength = 10_000;

    /// <summary>Reads them from the beginning of a file, which it closes; null when one is missing.</summary>
    public static FirebaseParameters? Read(Stream file)
    {
        using var text = new StreamReader(file);
        var start = new char[MaxLength];
        return Read(new string(start, 0, text.ReadBlock(start)));
    }

    /// <summary>Reads them as the Firebase console shows them, or as JSON with the same names; null when one is missing.</summary>
    public static FirebaseParameters? Read(string text)
    {
        var values = Parameter().Split(text).Chunk(3).Where(c => c.Length == 3)
            .GroupBy(c => c[1]).ToDictionary(g => g.Key, g => g.First()[2], StringComparer.Ordinal);
        return values.TryGetValue("base64_signer_key", out var key) && values.TryGetValue("base64_salt_separator", out var separator)
            && values.TryGetValue("rounds", out var rounds) && values.TryGetValue("mem_cost", out var memCost)
            ? new(key, separator, rounds, memCost) : null;
    }

    /// <summary>The text of a hash with the parameters, which is stored.</summary>
    public string Describe(string hash, string salt) =>
        $"$firebase-scrypt$m={MemCost},r={Rounds}${SignerKey}${SaltSeparator}${salt}${hash}";

    [GeneratedRegex(@"\b(base64_signer_key|base64_salt_separator|rounds|mem_cost)""?\s*[:=]\s*""?([A-Za-z0-9+/_=-]+)")]
    private static partial Regex Parameter();
}
