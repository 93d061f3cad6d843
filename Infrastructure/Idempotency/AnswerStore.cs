using Microsoft.EntityFrameworkCore;
using Profiles.Data;

namespace Profiles.Infrastructure.Idempotency;

/// <summary>
/// Stores answers under their keys, in the database that all instances share. The instance that inserts a key's row owns it; every later
/// change is compare-and-set.
/// </summary>
sealed class AnswerStore(ProfilesDbContext db, TimeProvider clock)
{
    /// <summary>A request in progress that is older was abandoned by its instance; another may run it.</summary>
    public static readonly TimeSpan AbandonedAfter = TimeSpan.FromMinutes(5);

    /// <summary>Stands for the hash of a body that has not arrived yet.</summary>
    public static readonly byte[] NoHash = new byte[Session.HashLength];

    /// <summary>Whether the key was used before and has not expired.</summary>
    public Task<bool> IsKnownAsync(byte[] keyHash, CancellationToken ct)
    {
        var since = clock.GetUtcNow().UtcDateTime - IdempotentAnswer.Retention;
        return ProfilesDbContext.ReadAsync(() => db.IdempotentAnswers.AnyAsync(a => a.KeyHash == keyHash && a.CreatedAt > since, ct));
    }

    /// <summary>Begins the request of a key; returns its row, and whether this request owns it.</summary>
    public async Task<(IdempotentAnswer Row, bool IsMine)> BeginAsync(
        byte[] keyHash, long? userId, byte[] requestHash, CancellationToken ct)
    {
        while (true)
        {
            var now = ProfilesDbContext.ToStored(clock.GetUtcNow().UtcDateTime);
            var mine = new IdempotentAnswer { KeyHash = keyHash, UserId = userId, RequestHash = requestHash, CreatedAt = now };
            var inserted = await db.Database.ExecuteSqlAsync(
                $"""
                INSERT INTO idempotent_answers (key_hash, user_id, request_hash, created_at)
                VALUES ({keyHash}, {userId}, {requestHash}, {now}) ON CONFLICT (key_hash) DO NOTHING
                """,
                ct);
            if (inserted == 1)
                return (mine, true);
            if (await db.IdempotentAnswers.AsNoTracking().SingleOrDefaultAsync(a => a.KeyHash == keyHash, ct) is not { } there)
                continue;
            var age = now - there.CreatedAt;
            if (age < IdempotentAnswer.Retention && (there.Status is not null || age < AbandonedAfter))
                return (there, false);
            var taken = await Mine(there).ExecuteUpdateAsync(
                a => a.SetProperty(x => x.RequestHash, requestHash).SetProperty(x => x.CreatedAt, now)
                    .SetProperty(x => x.Status, (int?)null).SetProperty(x => x.Headers, (string?)null)
                    .SetProperty(x => x.Body, (byte[]?)null),
                ct);
            if (taken == 1)
                return (mine, true);
        }
    }

    /// <summary>Stores an answer, unless another request has taken over the row and will store its own.</summary>
    public Task KeepAsync(IdempotentAnswer mine, byte[] requestHash, int status, string headers, byte[] body) =>
        Mine(mine).ExecuteUpdateAsync(a => a.SetProperty(x => x.RequestHash, requestHash)
            .SetProperty(x => x.Status, status).SetProperty(x => x.Headers, headers).SetProperty(x => x.Body, body));

    /// <summary>Deletes a request's row, so that it may be sent again.</summary>
    public Task ForgetAsync(IdempotentAnswer mine) => Mine(mine).ExecuteDeleteAsync();

    IQueryable<IdempotentAnswer> Mine(IdempotentAnswer row) =>
        db.IdempotentAnswers.Where(a => a.KeyHash == row.KeyHash && a.CreatedAt == row.CreatedAt);
}
