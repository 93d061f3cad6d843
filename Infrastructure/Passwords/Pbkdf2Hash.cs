using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace Profiles.Infrastructure.Passwords;

/// <summary>
/// PBKDF2 (RFC 8018) as a PHC string (<c>$pbkdf2-sha256$i=600000$salt$hash</c>, also passlib's), as Django writes it
/// (<c>pbkdf2_sha256$600000$salt$hash</c>) and in the Base64 of ASP.NET Core Identity, version 3.
/// </summary>
sealed partial class Pbkdf2Hash : ImportedHash
{
    const int MaxWork = 2_000_000;

    const byte IdentityVersion3 = 1;

    // The version, three numbers and the salt come before the hash.
    const int IdentityNumbers = 13, IdentityMaxBytes = IdentityNumbers + (2 * MaxBytes);

    readonly HashAlgorithmName function;
    readonly long work;
    readonly int iterations;
    readonly byte[] salt;

    Pbkdf2Hash(HashAlgorithmName function, long iterations, byte[] salt, byte[] expected) : base(expected)
    {
        var blockBytes = function == HashAlgorithmName.SHA1 ? SHA1.HashSizeInBytes
            : function == HashAlgorithmName.SHA256 ? SHA256.HashSizeInBytes : SHA512.HashSizeInBytes;
        // Each block of the hash takes all iterations.
        work = iterations * ((expected.Length + blockBytes - 1) / blockBytes);
        (this.function, this.iterations, this.salt) = (function, (int)Math.Min(iterations, int.MaxValue), salt);
    }

    public override string Algorithm => "pbkdf2";

    public override bool IsTooCostly => work > MaxWork;

    public static new Pbkdf2Hash? Read(string hash)
    {
        if (Phc().Match(hash) is { Success: true } phc)
            return Of(phc, Decode(phc.Groups[3].Value, 1, MaxBytes));
        if (Django().Match(hash) is { Success: true } django)
            return Of(django, Encoding.UTF8.GetBytes(django.Groups[3].Value));
        return Decode(hash, IdentityNumbers, IdentityMaxBytes) is [IdentityVersion3, ..] identity ? OfIdentity(identity) : null;
    }

    protected override byte[] Derive(byte[] password, int length) =>
        Rfc2898DeriveBytes.Pbkdf2(password, salt, iterations, function, length);

    static Pbkdf2Hash? Of(Match match, byte[]? salt) =>
        long.Parse(match.Groups[2].ValueSpan, CultureInfo.InvariantCulture) is > 0 and var iterations
        && salt is not null && Decode(match.Groups[4].Value, MinBytes, MaxBytes) is { } expected
            ? new(
                match.Groups[1].Value switch
                {
                    "sha512" => HashAlgorithmName.SHA512,
                    "sha256" => HashAlgorithmName.SHA256,
                    _ => HashAlgorithmName.SHA1,
                },
                iterations, salt, expected)
            : null;

    static Pbkdf2Hash? OfIdentity(ReadOnlySpan<byte> bytes)
    {
        var (function, iterations, saltBytes) = (Number(bytes[1..]), Number(bytes[5..]), Number(bytes[9..]));
        var rest = bytes[IdentityNumbers..];
        if (function > 2 || iterations == 0 || saltBytes > rest.Length || rest.Length - (int)saltBytes is < MinBytes or > MaxBytes)
            return null;
        HashAlgorithmName[] functions = [HashAlgorithmName.SHA1, HashAlgorithmName.SHA256, HashAlgorithmName.SHA512];
        return new(functions[function], iterations, rest[..(int)saltBytes].ToArray(), rest[(int)saltBytes..].ToArray());

        static uint Number(ReadOnlySpan<byte> at) => BinaryPrimitives.ReadUInt32BigEndian(at);
    }

    [GeneratedRegex(
        @"^\$pbkdf2(?:-(sha1|sha256|sha512))?\$(?:i=)?([0-9]{1,10})(?:,l=[0-9]{1,3})?\$([A-Za-z0-9+/.]+=*)\$([A-Za-z0-9+/.]+=*)\z")]
    private static partial Regex Phc();

    [GeneratedRegex(@"^pbkdf2_(sha1|sha256)\$([0-9]{1,10})\$([^$]{1,64})\$([A-Za-z0-9+/]+=*)\z")]
    private static partial Regex Django();
}
