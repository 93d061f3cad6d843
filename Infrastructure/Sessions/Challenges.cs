using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;

namespace Profiles.Infrastructure.Sessions;

/// <summary>Stores challenges under the hash of their random bytes, and takes each answer once.</summary>
sealed class Challenges(ProfilesDbContext db, TimeProvider clock)
{
    public const int SecretBytes = 32;

    /// <summary>Adds a challenge; the caller saves it.</summary>
    /// <param name="kind">The kind.</param>
    /// <param name="secret">The random bytes that the client gets.</param>
    /// <param name="data">What the answer is checked against.</param>
    /// <param name="userId">Who must answer; null where the answer says it.</param>
    /// <param name="sessionId">The session that must answer; null outside of one.</param>
    public void Add(ChallengeKind kind, ReadOnlySpan<byte> secret, string data, long? userId = null, long? sessionId = null) =>
        db.Challenges.Add(new()
        {
            Hash = SHA256.HashData(secret),
            Kind = kind,
            UserId = userId,
            SessionId = sessionId,
            Data = data,
            ExpiresAt = clock.GetUtcNow().UtcDateTime + Challenge.Lifetime,
        });

    /// <summary>
    /// Finds the challenge of these bytes; null when there is none, or none any more. The caller compares user and session.
    /// </summary>
    public Task<Challenge?> FindAsync(ChallengeKind kind, byte[] secret, CancellationToken ct)
    {
        var (hash, now) = (SHA256.HashData(secret), clock.GetUtcNow().UtcDateTime);
        return db.Challenges.AsNoTracking().SingleOrDefaultAsync(c => c.Hash == hash && c.Kind == kind && c.ExpiresAt > now, ct);
    }

    /// <summary>Counts a try before the answer is checked; false when there were too many.</summary>
    public async Task<bool> TryCountAsync(Challenge challenge, CancellationToken ct) =>
        await db.Challenges.Where(c => c.Hash == challenge.Hash && c.Tries < Challenge.MostTries)
            .ExecuteUpdateAsync(c => c.SetProperty(x => x.Tries, x => x.Tries + 1), ct) == 1;

    /// <summary>Deletes the challenge, in the caller's transaction if there is one; false when another request did so first.</summary>
    public async Task<bool> TryUseAsync(Challenge challenge, CancellationToken ct) =>
        await db.Challenges.Where(c => c.Hash == challenge.Hash).ExecuteDeleteAsync(ct) == 1;
}
