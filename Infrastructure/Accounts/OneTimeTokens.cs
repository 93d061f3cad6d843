using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Profiles.Data;

namespace Profiles.Infrastructure.Accounts;

/// <summary>
/// Makes and finds the tokens of links in mails: 256 random bits, of which the database has the hash alone. A token is used up by removing its row, which one of many
/// who try at once can do.
/// </summary>
sealed class OneTimeTokens(ProfilesDbContext db, IOptions<AccountOptions> options, TimeProvider clock)
{
    const int Bytes = 32;

    /// <summary>How long a token in text is.</summary>
    public const int Length = 43;

    /// <summary>How long a token of this purpose is valid.</summary>
    public TimeSpan LifetimeOf(TokenPurpose purpose) => purpose == TokenPurpose.ResetPassword ? options.Value.ResetLifetime : options.Value.VerifyLifetime;

    /// <summary>A token, and what the database keeps of it.</summary>
    public static (string Token, byte[] Hash) Make()
    {
        var token = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(Bytes));
        return (token, Hash(token));
    }

    /// <summary>A new token, which is good from the next save on; those before it of the same purpose are not any more.</summary>
    public async Task<string> ReplaceAsync(long userId, TokenPurpose purpose, string normalizedEmail, CancellationToken ct)
    {
        var (token, hash) = Make();
        var now = clock.GetUtcNow().UtcDateTime;
        await db.OneTimeTokens.Where(t => t.UserId == userId && t.Purpose == purpose).ExecuteDeleteAsync(ct);
        db.OneTimeTokens.Add(new() { UserId = userId, Purpose = purpose, TokenHash = hash, NormalizedEmail = normalizedEmail, ExpiresAt = now + LifetimeOf(purpose) });
        return token;
    }

    /// <summary>The row of a token that is good now; null when there is none. The hash is looked up, so that time tells nothing of a token.</summary>
    public Task<OneTimeToken?> FindAsync(string token, TokenPurpose purpose, CancellationToken ct)
    {
        var (hash, now) = (Hash(token), clock.GetUtcNow().UtcDateTime);
        return db.OneTimeTokens.AsNoTracking().SingleOrDefaultAsync(t => t.TokenHash == hash && t.Purpose == purpose && t.ExpiresAt > now, ct);
    }

    /// <summary>Whether the caller is the one who uses it; within the caller's transaction.</summary>
    public async Task<bool> TryUseAsync(OneTimeToken token, CancellationToken ct) =>
        await db.OneTimeTokens.Where(t => t.Id == token.Id).ExecuteDeleteAsync(ct) == 1;

    /// <summary>What the database keeps of a token.</summary>
    public static byte[] Hash(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));
}
