using System.Globalization;
using System.Text.RegularExpressions;
using Org.BouncyCastle.Crypto.Generators;
using Org.BouncyCastle.Crypto.Parameters;

namespace Profiles.Infrastructure.Passwords;

/// <summary>argon2id (RFC 9106) as a PHC string: <c>$argon2id$v=19$m=65536,t=3,p=4$salt$hash</c>.</summary>
// By BouncyCastle, which hashes on the calling thread; other libraries take threads of the pool, which serve requests.
sealed partial class Argon2Hash : ImportedHash
{
    const int MaxMemory = 128 * 1024, MaxWork = 1024 * 1024;

    const int MinSaltBytes = 8;

    readonly int memory, passes, lanes;
    readonly byte[] salt;

    Argon2Hash(int memory, int passes, int lanes, byte[] salt, byte[] expected) : base(expected) =>
        (this.memory, this.passes, this.lanes, this.salt) = (memory, passes, lanes, salt);

    public override string Algorithm => "argon2id";

    // The memory is in KiB.
    public override long MemoryBytes => memory * 1024L;

    public override bool IsTooCostly => memory > MaxMemory || (long)memory * passes > MaxWork;

    public static new Argon2Hash? Read(string hash)
    {
        if (Form().Match(hash) is not { Success: true } match)
            return null;
        var (memory, passes, lanes) = (Number(1), Number(2), Number(3));
        return passes > 0 && lanes > 0 && memory >= 8 * lanes
            && Decode(match.Groups[4].Value, MinSaltBytes, MaxBytes) is { } salt
            && Decode(match.Groups[5].Value, MinBytes, MaxBytes) is { } expected ? new(memory, passes, lanes, salt, expected) : null;

        int Number(int group) => int.Parse(match.Groups[group].ValueSpan, CultureInfo.InvariantCulture);
    }

    protected override byte[] Derive(byte[] password, int length)
    {
        var generator = new Argon2BytesGenerator();
        generator.Init(new Argon2Parameters.Builder(Argon2Parameters.Argon2id)
            .WithVersion(Argon2Parameters.Version13)
            .WithMemoryAsKB(memory).WithIterations(passes).WithParallelism(lanes).WithSalt(salt).Build());
        var hash = new byte[length];
        generator.GenerateBytes(password, hash);
        return hash;
    }

    [GeneratedRegex(@"^\$argon2id\$v=19\$m=([0-9]{1,9}),t=([0-9]{1,9}),p=([0-9]{1,3})\$([A-Za-z0-9+/]+=*)\$([A-Za-z0-9+/]+=*)\z")]
    private static partial Regex Form();
}
