using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Audit;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Importing;

namespace Profiles.Features.ImportUsers;

/// <summary>Saves users in batches, each of them whole or not at all.</summary>
sealed class ImportUsersBatches(ProfilesDbContext db, AuditLog audit, ImportUsersReport refusals, bool isDryRun)
{
    // On SQLite the service's own writes wait for a batch.
    const int Size = 500;

    List<(long Line, ImportedUser New)> batch = [];

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
                batch.ForEach(b => b.New.AddTo(db));
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

    async Task<List<(long Line, ImportedUser New)>> FindNewAsync(CancellationToken ct)
    {
        var emails = batch.Select(b => b.New.User.NormalizedEmail).ToArray();
        var externalIds = batch.Select(b => b.New.User.ExternalId).OfType<string>().ToArray();
        var usernames = batch.Select(b => b.New.User.Profile.Username).OfType<string>().ToArray();
        // Not joined by "or", for which PostgreSQL would read the whole table.
        var users = await db.Users.Where(u => emails.Contains(u.NormalizedEmail))
            .Union(db.Users.Where(u => externalIds.Contains(u.ExternalId)))
            .Select(u => new { u.NormalizedEmail, u.ExternalId }).ToListAsync(ct);
        var byEmail = users.ToDictionary(u => u.NormalizedEmail!, u => u.ExternalId);
        var imported = users.Select(u => u.ExternalId).OfType<string>().ToHashSet();
        var taken = (await db.UserProfiles.Where(p => usernames.Contains(p.Username)).Select(p => p.Username!).ToListAsync(ct)).ToHashSet();
        var fresh = new List<(long, ImportedUser)>();
        foreach (var (line, read, user) in batch.Select(b => (b.Line, b.New, b.New.User)))
        {
            var hasEmail = byEmail.TryGetValue(user.NormalizedEmail!, out var externalId);
            if ((user.ExternalId is { } id && imported.Contains(id)) || (hasEmail && externalId == user.ExternalId))
                Skipped++;
            else if (hasEmail)
                refusals.Add(line, Problems.Failure("email", ErrorCodes.EmailTaken));
            else if (user.Profile.Username is { } username && taken.Contains(username))
                refusals.Add(line, Problems.Failure("username", ErrorCodes.UsernameTaken));
            else
                fresh.Add((line, read));
        }
        return fresh;
    }
}
