using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Audit;
using Profiles.Infrastructure.SecurityEvents;
using Profiles.Infrastructure.Sessions;

namespace Profiles.Infrastructure.Accounts;

/// <summary>
/// What an operator does to an account, each in one transaction with its entry of the audit log. What is so already is left as it is,
/// without an entry.
/// </summary>
sealed class AccountControl(
    ProfilesDbContext db, PendingChanges pending, SessionRevocation sessions, SecurityEventLog events, AuditLog audit, TimeProvider clock)
{
    /// <summary>
    /// Disables the account: ends its sessions, voids what is pending and hides the profile. Requests in progress change nothing any more.
    /// </summary>
    /// <returns>False when there is no such user.</returns>
    public Task<bool> DisableAsync(long id, CancellationToken ct) => ChangeAsync(id, async user =>
    {
        if (user.DisabledAt is not null)
            return;
        user.DisabledAt = clock.GetUtcNow().UtcDateTime;
        // Locks the user's row, so that a login in progress either commits first and is ended, or is refused.
        await pending.VoidAsync(user, keptSession: null, ct);
        Record(user, SecurityEventKind.AccountDisabled, "user.disabled");
    }, ct);

    /// <summary>Enables the account again; the user logs in anew.</summary>
    /// <returns>False when there is no such user.</returns>
    public Task<bool> EnableAsync(long id, CancellationToken ct) => ChangeAsync(id, user =>
    {
        if (user.DisabledAt is null)
            return Task.CompletedTask;
        user.DisabledAt = null;
        Record(user, SecurityEventKind.AccountEnabled, "user.enabled");
        return Task.CompletedTask;
    }, ct);

    /// <summary>Confirms the address, and voids what is pending as a confirmation by mail does.</summary>
    /// <returns>Whether the user has an address; null when there is no such user.</returns>
    public async Task<bool?> VerifyAsync(long id, CancellationToken ct)
    {
        var hasAddress = false;
        return await ChangeAsync(id, async user =>
        {
            hasAddress = user.Email is not null;
            if (!hasAddress || user.EmailVerifiedAt is not null)
                return;
            user.ConfirmEmail(clock.GetUtcNow().UtcDateTime);
            await pending.VoidKeepingSessionsAsync(user, ct);
            Record(user, SecurityEventKind.EmailVerified, "user.verified");
        }, ct) ? hasAddress : null;
    }

    /// <summary>Ends all sessions.</summary>
    /// <returns>How many; null when there is no such user.</returns>
    public async Task<int?> EndSessionsAsync(long id, CancellationToken ct)
    {
        var ended = 0;
        return await ChangeAsync(id, async user =>
        {
            ended = await sessions.RevokeOthersAsync(user.Id, keptSession: null, ct);
            if (ended > 0)
                audit.Add("user.sessions_ended", user.Id, FormattableString.Invariant($"{ended}"));
        }, ct) ? ended : null;
    }

    void Record(User user, SecurityEventKind kind, string action)
    {
        events.Add(user.Id, kind, device: null);
        audit.Add(action, user.Id);
    }

    async Task<bool> ChangeAsync(long id, Func<User, Task> change, CancellationToken ct)
    {
        await using var transaction = await db.LockUserAsync(id, ct);
        if (await db.Users.Include(u => u.Profile).SingleOrDefaultAsync(u => u.Id == id, ct) is not { } user)
            return false;
        await change(user);
        await db.SaveChangesAsync(ct);
        await transaction.CommitAsync(ct);
        return true;
    }
}
