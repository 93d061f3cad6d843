using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;

namespace Profiles.Infrastructure.SecondFactors;

/// <summary>Makes the recovery codes of a user: 80 random bits each, in four groups of letters and digits that nobody confuses.</summary>
sealed class RecoveryCodes(ProfilesDbContext db)
{
    /// <summary>More than anybody types, with blanks and hyphens.</summary>
    public const int MostCharacters = 40;

    // Crockford's Base32: without I, L, O and U.
    const string Alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

    const int Length = 16, GroupLength = 4;

    /// <summary>Replaces a user's codes in the caller's transaction, and saves nothing but that.</summary>
    /// <returns>The new codes, which are nowhere else.</returns>
    public async Task<IReadOnlyList<string>> ReplaceAsync(long userId, CancellationToken ct)
    {
        await db.RecoveryCodes.Where(c => c.UserId == userId).ExecuteDeleteAsync(ct);
        var codes = Enumerable.Range(0, RecoveryCode.PerUser).Select(_ => RandomNumberGenerator.GetString(Alphabet, Length)).ToArray();
        db.RecoveryCodes.AddRange(codes.Select(c => new RecoveryCode { UserId = userId, CodeHash = Hash(userId, c) }));
        return [.. codes.Select(c => string.Join('-', c.Chunk(GroupLength).Select(g => new string(g))))];
    }

    /// <summary>The hash of a code as a person typed it; null when it has not the form of one.</summary>
    public static byte[]? HashOf(long userId, string typed)
    {
        if (typed.Length > MostCharacters)
            return null;
        var code = new string([.. typed.Where(c => c is not ('-' or ' ')).Select(char.ToUpperInvariant).Select(Meant)]);
        return code.Length == Length && code.All(Alphabet.Contains) ? Hash(userId, code) : null;
    }

    static char Meant(char typed) => typed switch
    {
        'I' or 'L' => '1',
        'O' => '0',
        _ => typed,
    };

    // Random bits need no slow hash.
    static byte[] Hash(long userId, string code)
    {
        Span<byte> text = stackalloc byte[sizeof(long) + Length];
        BinaryPrimitives.WriteInt64BigEndian(text, userId);
        Encoding.ASCII.GetBytes(code, text[sizeof(long)..]);
        return SHA256.HashData(text);
    }
}
