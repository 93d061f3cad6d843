using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;

namespace Profiles.Infrastructure.Passkeys;

/// <summary>Challenges that a passkey must sign: random, for five minutes, for one answer of whoever asked.</summary>
sealed class PasskeyChallenges(ProfilesDbContext db, TimeProvider clock)
{
    const int Length = 32;

    /// <summary>Stores a challenge for anybody's login.</summary>
    public Task<byte[]> AddForLoginAsync(CancellationToken ct) => AddAsync(ChallengeKind.PasskeyLogin, null, null, "", ct);

    /// <summary>Stores a challenge for a session's registration, in place of an earlier one: nobody fills the table.</summary>
    public async Task<byte[]> AddForRegistrationAsync(long userId, long sessionId, string userHandle, CancellationToken ct)
    {
        await db.Challenges
            .Where(c => c.UserId == userId && c.SessionId == sessionId && c.Kind == ChallengeKind.PasskeyRegistration)
            .ExecuteDeleteAsync(ct);
        return await AddAsync(ChallengeKind.PasskeyRegistration, userId, sessionId, userHandle, ct);
    }

    /// <summary>Whether this is the challenge of a login, once.</summary>
    public async Task<bool> TakeForLoginAsync(string? challenge, CancellationToken ct) =>
        await TakeAsync(challenge, ChallengeKind.PasskeyLogin, null, null, ct) is not null;

    /// <summary>Returns the user handle of a session's registration, once; else null.</summary>
    public Task<string?> TakeForRegistrationAsync(string? challenge, long userId, long sessionId, CancellationToken ct) =>
        TakeAsync(challenge, ChallengeKind.PasskeyRegistration, userId, sessionId, ct);

    async Task<byte[]> AddAsync(ChallengeKind kind, long? userId, long? sessionId, string data, CancellationToken ct)
    {
        var challenge = RandomNumberGenerator.GetBytes(Length);
        db.Challenges.Add(new()
        {
            Hash = SHA256.HashData(challenge),
            Kind = kind,
            UserId = userId,
            SessionId = sessionId,
            Data = data,
            ExpiresAt = clock.GetUtcNow().UtcDateTime + Challenge.Lifetime,
        });
        await db.SaveChangesAsync(ct);
        return challenge;
    }

    async Task<string?> TakeAsync(string? text, ChallengeKind kind, long? userId, long? sessionId, CancellationToken ct)
    {
        if (PasskeyAnswer.Bytes(text, Length) is not { } challenge)
            return null;
        var (hash, now) = (SHA256.HashData(challenge), clock.GetUtcNow().UtcDateTime);
        var waiting = db.Challenges.Where(c =>
            c.Hash == hash && c.Kind == kind && c.UserId == userId && c.SessionId == sessionId && c.ExpiresAt > now);
        var data = await waiting.Select(c => c.Data).SingleOrDefaultAsync(ct);
        // Of two answers at once one deletes the row.
        return data is not null && await waiting.ExecuteDeleteAsync(ct) == 1 ? data : null;
    }
}
