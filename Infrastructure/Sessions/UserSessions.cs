using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.SecurityEvents;
using Profiles.Infrastructure.Tokens;

namespace Profiles.Infrastructure.Sessions;

/// <summary>What keeps a phone logged in: tokens as text, times in seconds.</summary>
sealed record SessionTokens(string AccessToken, int ExpiresIn, string RefreshToken, int RefreshExpiresIn);

/// <summary>
/// Starts, renews and ends sessions. Each refresh replaces the refresh token; the one before it is honoured for a moment, because replies get lost on the way
/// to a phone, and after that its return means that two have it (RFC 9700, 4.14; docs/adr/0007-refresh-rotation.md).
/// </summary>
sealed class UserSessions(ProfilesDbContext db, AccessTokens access, SecurityEventLog events, IOptions<SessionsOptions> options, TimeProvider clock)
{
    DateTime Now => clock.GetUtcNow().UtcDateTime;

    /// <summary>Starts one for a user whose password has been verified; null when it has been changed since, or the user is gone: whoever ended all sessions meanwhile has ended this one.</summary>
    public async Task<SessionTokens?> StartAsync(User user, string? device, CancellationToken ct)
    {
        await using var transaction = await db.Database.BeginTransactionAsync(ct);
        // Locks the row: a change of the password comes before it or after it.
        if (await db.Users.Where(u => u.Id == user.Id && u.PasswordHash == user.PasswordHash).ExecuteUpdateAsync(u => u.SetProperty(x => x.EmailVerifiedAt, x => x.EmailVerifiedAt), ct) == 0)
            return null;
        var token = RefreshToken.New();
        var session = new Session { UserId = user.Id, Device = device, FamilyHash = token.FamilyHash, TokenHash = token.SecretHash, CreatedAt = Now, LastUsedAt = Now };
        db.Sessions.Add(session);
        events.Add(user.Id, SecurityEventKind.LoggedIn, device);
        await db.SaveChangesAsync(ct);
        var kept = db.Sessions.Where(s => s.UserId == user.Id).OrderByDescending(s => s.LastUsedAt).ThenByDescending(s => s.Id).Take(options.Value.PerUser).Select(s => s.Id);
        if (await RemoveAsync(user.Id, SecurityEventKind.SessionEnded, db.Sessions.Where(s => s.UserId == user.Id && !kept.Contains(s.Id)), ct) > 0)
            await db.SaveChangesAsync(ct);
        await transaction.CommitAsync(ct);
        return Tokens(session, token);
    }

    /// <summary>The id of the session that a refresh token is of, old or new; null when it is of none.</summary>
    public async Task<long?> FindAsync(string text, CancellationToken ct)
    {
        if (!RefreshToken.TryParse(text, out var token))
            return null;
        var family = token.FamilyHash;
        return await ProfilesDbContext.ReadAsync(() => db.Sessions.Where(s => s.FamilyHash == family).Select(s => (long?)s.Id).SingleOrDefaultAsync(ct));
    }

    /// <summary>New tokens for a refresh token, the same ones for a reply that was lost; null when it is none of ours, too old or stolen: the session has ended then.</summary>
    public async Task<SessionTokens?> RefreshAsync(string text, CancellationToken ct)
    {
        if (!RefreshToken.TryParse(text, out var token))
            return null;
        var family = token.FamilyHash;
        while (await db.Sessions.AsNoTracking().SingleOrDefaultAsync(s => s.FamilyHash == family, ct) is { } session && session.LastUsedAt + options.Value.RefreshLifetime > Now)
        {
            if (token.IsOf(session.TokenHash))
            {
                var next = token.Next();
                if (await ReplaceAsync(session, token, next))
                    return Tokens(session, next);
                // Another request with the same token was first: it is told what that one was told.
                continue;
            }
            if (token.IsOf(session.PreviousHash) && session.RotatedAt + options.Value.ReuseWindow >= Now && session.Successor is { } successor)
                return Tokens(session, token.Open(successor));
            await EndAsync(session.UserId, session.Id, SecurityEventKind.RefreshTokenReused);
            return null;
        }
        return null;
    }

    /// <summary>Ends one; false when the user has none with this id. Its access token is refused from the next request on.</summary>
    public async Task<bool> EndAsync(long userId, long sessionId, SecurityEventKind why)
    {
        await using var turn = await db.TakeTurnAsync(userId, CancellationToken.None);
        var ended = await RemoveAsync(userId, why, db.Sessions.Where(s => s.Id == sessionId && s.UserId == userId), CancellationToken.None);
        await db.SaveChangesAsync();
        await turn.CommitAsync();
        return ended == 1;
    }

    /// <summary>Ends all of a user's but one: how many.</summary>
    public async Task<int> EndOthersAsync(long userId, long sessionId)
    {
        // A deletion of the account takes the same row first: neither waits for the other in a circle.
        await using var turn = await db.TakeTurnAsync(userId, CancellationToken.None);
        var ended = await RemoveOthersAsync(userId, sessionId, CancellationToken.None);
        await db.SaveChangesAsync();
        await turn.CommitAsync();
        return ended;
    }

    /// <summary>The same as a part of the caller's transaction, for whatever ends them: how many; without <paramref name="sessionId"/>, all of them. The events are yet to be saved.</summary>
    public Task<int> RemoveOthersAsync(long userId, long? sessionId, CancellationToken ct) =>
        RemoveAsync(userId, SecurityEventKind.SessionEnded, db.Sessions.Where(s => s.UserId == userId && s.Id != (sessionId ?? 0)), ct);

    // Each is noted by whoever has removed it.
    async Task<int> RemoveAsync(long userId, SecurityEventKind why, IQueryable<Session> sessions, CancellationToken ct)
    {
        var removed = 0;
        foreach (var session in await sessions.Select(s => new { s.Id, s.Device }).ToListAsync(ct))
        {
            if (await db.Sessions.Where(s => s.Id == session.Id).ExecuteDeleteAsync(ct) == 0)
                continue;
            events.Add(userId, why, session.Device);
            removed++;
        }
        return removed;
    }

    // Not to be cancelled: whether it was done would be unknown.
    async Task<bool> ReplaceAsync(Session session, RefreshToken token, RefreshToken next)
    {
        var (hash, successor, now) = (next.SecretHash, token.Seal(next), Now);
        return await db.Sessions.Where(s => s.Id == session.Id && s.TokenHash == session.TokenHash).ExecuteUpdateAsync(s => s
            .SetProperty(x => x.TokenHash, hash)
            .SetProperty(x => x.PreviousHash, session.TokenHash)
            .SetProperty(x => x.Successor, successor)
            .SetProperty(x => x.RotatedAt, now)
            .SetProperty(x => x.LastUsedAt, now)) == 1;
    }

    SessionTokens Tokens(Session session, RefreshToken token) =>
        new(access.Issue(session.UserId, session.Id), access.LifetimeSeconds, token.ToString(), (int)options.Value.RefreshLifetime.TotalSeconds);
}
