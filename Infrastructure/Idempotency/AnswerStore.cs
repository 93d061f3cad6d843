using Microsoft.EntityFrameworkCore;
using Profiles.Data;

namespace Profiles.Infrastructure.Idempotency;

/// <summary>The answers that are kept under keys, in the database that all instances share. Who inserts the row of a key has it; the rest is compare-and-set.</summary>
sealed class AnswerStore(ProfilesDbContext db, TimeProvider clock)
{
    /// <summary>A request under way that is older died with its instance: another may take it up.</summary>
    public static readonly TimeSpan AbandonedAfter = TimeSpan.FromMinutes(5);

    /// <summary>In place of the hash of a body that has not arrived yet.</summary>
    public static readonly byte[] NoHash = new byte[Session.HashLength];

    /// <summary>Whether a key was seen, and its answer is still good.</summary>
    public Task<bool> IsKnownAsync(byte[] keyHash, CancellationToken ct)
    {
        var since = clock.GetUtcNow().UtcDateTime - IdempotentAnswer.Retention;
        return ProfilesDbContext.ReadAsync(() => db.IdempotentAnswers.AnyAsync(a => a.KeyHash == keyHash && a.CreatedAt > since, ct));
    }

    /// <summary>Begins the request of a key: gives the row that it has now, and whether that is ours.</summary>
    public async Task<(IdempotentAnswer Row, bool IsMine)> BeginAsync(byte[] keyHash, long? userId, byte[] requestHash, CancellationToken ct)
    {
        while (true)
        {
            var mine = new IdempotentAnswer { KeyHash = keyHash, UserId = userId, RequestHash = requestHash, CreatedAt = ProfilesDbContext.ToStored(clock.GetUtcNow().UtcDateTime) };
            var inserted = await db.Database.ExecuteSqlAsync(
                $"INSERT INTO idempotent_answers (key_hash, user_id, request_hash, created_at) VALUES ({keyHash}, {userId}, {requestHash}, {mine.CreatedAt}) ON CONFLICT (key_hash) DO NOTHING", ct);
            if (inserted == 1)
                return (mine, true);
            if (await db.IdempotentAnswers.AsNoTracking().SingleOrDefaultAsync(a => a.KeyHash == keyHash, ct) is not { } there)
                continue;
            var age = mine.CreatedAt - there.CreatedAt;
            if (age < IdempotentAnswer.Retention && (there.Status is not null || age < AbandonedAfter))
                return (there, false);
            if (await Mine(there).ExecuteUpdateAsync(a => a.SetProperty(x => x.RequestHash, requestHash).SetProperty(x => x.CreatedAt, mine.CreatedAt)
                .SetProperty(x => x.Status, (int?)null).SetProperty(x => x.Headers, (string?)null).SetProperty(x => x.Body, (byte[]?)null), ct) == 1)
                return (mine, true);
        }
    }

    /// <summary>Keeps an answer. Not when the row has been taken up by another: what that one answers will be kept.</summary>
    public Task KeepAsync(IdempotentAnswer mine, byte[] requestHash, int status, string headers, byte[] body) =>
        Mine(mine).ExecuteUpdateAsync(a => a.SetProperty(x => x.RequestHash, requestHash).SetProperty(x => x.Status, status).SetProperty(x => x.Headers, headers).SetProperty(x => x.Body, body));

    /// <summary>Forgets a request, so that it may be sent again.</summary>
    public Task ForgetAsync(IdempotentAnswer mine) => Mine(mine).ExecuteDeleteAsync();

    IQueryable<IdempotentAnswer> Mine(IdempotentAnswer row) => db.IdempotentAnswers.Where(a => a.KeyHash == row.KeyHash && a.CreatedAt == row.CreatedAt);
}
