using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.SecurityEvents;
using Profiles.Infrastructure.Webhooks;

namespace Profiles.Infrastructure.Sessions;

/// <summary>
/// Ends sessions (RFC 7009): their access and refresh tokens are refused from the next request on. The owner sees an event for each.
/// </summary>
sealed class SessionRevocation(
    ProfilesDbContext db, SecurityEventLog events, WebhookEvents webhooks, IOptions<SessionsOptions> options)
{
    /// <summary>Ends these sessions of a user in a transaction of its own.</summary>
    /// <returns>How many ended.</returns>
    public async Task<int> RevokeAsync(long userId, SecurityEventKind why, IQueryable<Session> sessions)
    {
        // Locks in the same order as a deletion of the account, so that the two cannot deadlock.
        await using var transaction = await db.LockUserAsync(userId, CancellationToken.None);
        var revoked = await DeleteAsync(userId, why, sessions, CancellationToken.None);
        await db.SaveChangesAsync();
        await transaction.CommitAsync();
        return revoked;
    }

    /// <summary>
    /// Ends all sessions of a user but one and the logins in progress, in the caller's transaction. The caller saves the events.
    /// </summary>
    /// <param name="userId">The user.</param>
    /// <param name="keptSession">The session that stays; null to end all sessions.</param>
    /// <param name="ct">Cancels the change.</param>
    /// <returns>How many ended.</returns>
    public async Task<int> RevokeOthersAsync(long userId, long? keptSession, CancellationToken ct)
    {
        await db.Challenges.Where(c => c.UserId == userId).ExecuteDeleteAsync(ct);
        return await DeleteAsync(
            userId, SecurityEventKind.SessionEnded, db.Sessions.Where(s => s.UserId == userId && s.Id != (keptSession ?? 0)), ct);
    }

    /// <summary>Ends a user's least recently used sessions beyond the limit, and saves in the caller's transaction.</summary>
    public async Task RevokeSurplusAsync(long userId, CancellationToken ct)
    {
        var kept = db.Sessions.Where(s => s.UserId == userId).OrderByDescending(s => s.LastUsedAt).ThenByDescending(s => s.Id)
            .Take(options.Value.PerUser).Select(s => s.Id);
        var surplus = db.Sessions.Where(s => s.UserId == userId && !kept.Contains(s.Id));
        if (await DeleteAsync(userId, SecurityEventKind.SessionEnded, surplus, ct) > 0)
            await db.SaveChangesAsync(ct);
    }

    // Row by row: only the transaction that deletes a session adds its event.
    async Task<int> DeleteAsync(long userId, SecurityEventKind why, IQueryable<Session> sessions, CancellationToken ct)
    {
        var revoked = 0;
        foreach (var session in await sessions.Select(s => new { s.Id, s.Device }).ToListAsync(ct))
        {
            if (await db.Sessions.Where(s => s.Id == session.Id).ExecuteDeleteAsync(ct) == 0)
                continue;
            events.Add(userId, why, session.Device);
            webhooks.AddSessionEnd(db, userId, session.Id, why);
            revoked++;
        }
        return revoked;
    }
}
