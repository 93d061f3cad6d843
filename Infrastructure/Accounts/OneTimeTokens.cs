using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Profiles.Data;

namespace Profiles.Infrastructure.Accounts;

/// <summary>
/// Creates and finds the one-time tokens of mails: 256 bits that nobody can guess, of which the database stores only the hash. Using a
/// token deletes its row, which only one of several concurrent requests can do.
/// </summary>
sealed class OneTimeTokens(ProfilesDbContext db, IOptions<AccountOptions> options, TimeProvider clock)
{
    const int Bytes = 32;

    /// <summary>Returns how long a token of this purpose is valid.</summary>
    public TimeSpan LifetimeOf(TokenPurpose purpose) =>
        purpose == TokenPurpose.ResetPassword ? options.Value.ResetLifetime : options.Value.VerifyLifetime;

    /// <summary>Creates a token and the hash that the database stores.</summary>
    public static (string Token, byte[] Hash) Make()
    {
        var token = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(Bytes));
        return (token, Hash(token));
    }

    /// <summary>Makes a token valid once the caller saves; earlier tokens of the same purpose become invalid.</summary>
    public async Task ReplaceAsync(long userId, TokenPurpose purpose, string normalizedEmail, string token, CancellationToken ct)
    {
        var now = clock.GetUtcNow().UtcDateTime;
        await db.OneTimeTokens.Where(t => t.UserId == userId && t.Purpose == purpose).ExecuteDeleteAsync(ct);
        db.OneTimeTokens.Add(new()
        {
            UserId = userId,
            Purpose = purpose,
            TokenHash = Hash(token),
            NormalizedEmail = normalizedEmail,
            ExpiresAt = now + LifetimeOf(purpose),
        });
    }

    /// <summary>Finds the row of a valid token, by its hash, so that the time of the query reveals nothing of the token.</summary>
    public Task<OneTimeToken?> FindAsync(byte[] hash, TokenPurpose purpose, CancellationToken ct)
    {
        var now = clock.GetUtcNow().UtcDateTime;
        return db.OneTimeTokens.AsNoTracking()
            .SingleOrDefaultAsync(t => t.TokenHash == hash && t.Purpose == purpose && t.ExpiresAt > now, ct);
    }

    /// <summary>Uses up a token in the caller's transaction; false when another request has used it.</summary>
    public async Task<bool> TryUseAsync(OneTimeToken token, CancellationToken ct) =>
        await db.OneTimeTokens.Where(t => t.Id == token.Id).ExecuteDeleteAsync(ct) == 1;

    /// <summary>Returns the hash that the database stores.</summary>
    public static byte[] Hash(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));
}
