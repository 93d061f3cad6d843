using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Audit;
using Profiles.Infrastructure.Importing;

namespace Profiles.Features.ImportUsers;

/// <summary>Saves users in batches, each of them whole or not at all.</summary>
sealed class ImportUsersBatches(ProfilesDbContext db, AuditLog audit, ImportUsersReport refusals, bool isDryRun)
{
    // On SQLite the service's own writes wait for a batch.
    const int Size = 500;

    List<(long Line, ImportedUser User)> batch = [];

    public long Imported { get; private set; }

    /// <summary>Those whom an earlier run has imported.</summary>
    public long Skipped { get; private set; }

    public async Task AddAsync(long line, ImportedUser user, CancellationToken ct)
    {
        batch.Add((line, user));
        if (batch.Count == Size)
            await SaveAsync(ct);
    }

    /// <summary>Saves the last users.</summary>
    public async Task SaveAsync(CancellationToken ct)
    {
        while (batch.Count > 0)
        {
            batch = await FindNewAsync(ct);
            if (!isDryRun)
                batch.ForEach(b => b.User.AddTo(db));
            // A killed run has no other entry; the last one has the counts.
            if (db.ChangeTracker.HasChanges() && Imported == 0)
                audit.Add("users.import_started");
            try
            {
                // Not cancelled: whether they were saved must not be in doubt.
                await db.SaveChangesAsync(CancellationToken.None);
                Imported += batch.Count;
                batch = [];
            }
            catch (DbUpdateException e) when (DatabaseErrors.IsUniqueViolation(e))
            {
                // Somebody has just registered one of these addresses or usernames; the next round finds which.
            }
            db.ChangeTracker.Clear();
        }
    }

    async Task<List<(long Line, ImportedUser User)>> FindNewAsync(CancellationToken ct)
    {
        var taken = await TakenUsers.FindAsync(db, [.. batch.Select(b => b.User)], ct);
        var fresh = new List<(long, ImportedUser)>();
        foreach (var (line, user) in batch)
        {
            if (taken.HasImported(user))
                Skipped++;
            else if (taken.Refusal(user) is { } refusal)
                refusals.Add(line, refusal);
            else
                fresh.Add((line, user));
        }
        return fresh;
    }
}
