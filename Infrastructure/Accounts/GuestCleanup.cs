using System.Linq.Expressions;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Cleanup;

namespace Profiles.Infrastructure.Accounts;

/// <summary>Deletes guests that nobody uses any more, each whole and in a transaction of its own.</summary>
sealed class GuestCleanup(AccountDeletion accounts, IOptions<AccountOptions> options, ILogger<GuestCleanup> log)
{
    // A sweep passes those that stay once, and not once for each batch.
    DateTime since = DateTime.UnixEpoch;

    /// <summary>Deletes a batch, the oldest first; returns how many were to be deleted.</summary>
    public async Task<int> CleanAsync(ProfilesDbContext db, DateTime now, CancellationToken ct)
    {
        var unused = now - options.Value.GuestRetention;
        // One without a session cannot be used again: its sessions have expired, or it has logged out. A guest has no way in; whoever has
        // one by mistake is not deleted. A disabled account is the operator's to delete.
        Expression<Func<User, bool>> isUnused = u => u.GuestSince <= unused && u.NormalizedEmail == null && u.DisabledAt == null
            && !db.Sessions.Any(s => s.UserId == u.Id && s.LastUsedAt > unused)
            && !db.Identities.Any(i => i.UserId == u.Id) && !db.Passkeys.Any(p => p.UserId == u.Id);
        var guests = await db.Users.Where(u => u.GuestSince >= since).Where(isUnused).OrderBy(u => u.GuestSince)
            .Take(CleanupService.Batch).Select(u => new { u.Id, u.GuestSince }).ToListAsync(ct);
        var deleted = 0;
        foreach (var guest in guests)
        {
            ct.ThrowIfCancellationRequested();
            since = guest.GuestSince!.Value;
            if (await accounts.DeleteAsync(guest.Id, onlyIf: isUnused))
                deleted++;
        }
        if (deleted > 0)
            log.LogInformation("Deleted {Count} guests that nobody had used since {Since:u}.", deleted, unused);
        return guests.Count;
    }
}
