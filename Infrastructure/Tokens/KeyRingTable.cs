using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Data.PostgreSql;

namespace Profiles.Infrastructure.Tokens;

/// <summary>The ring as a table that all instances on one PostgreSQL read.</summary>
sealed class KeyRingTable(DatabaseEngine engine) : KeyRingStore
{
    // Times without a zone, which are read as the UTC that they are.
    const string Query =
        """
        SELECT json_agg(json_build_object('id', id, 'value', value, 'created_at', created_at AT TIME ZONE 'UTC',
            'activated_at', activated_at AT TIME ZONE 'UTC', 'retired_at', retired_at AT TIME ZONE 'UTC') ORDER BY created_at, id)::text
        FROM signing_key_ring
        """;

    public override string Place => "the database (signing_key_ring)";

    public override string SecretPlace => "the row of signing_keys";

    public override async Task<string?> ReadAsync(CancellationToken ct) => await engine.ReadAsync(Query, ct) as string;

    public override async Task ChangeAsync(IServiceProvider scope, Action<List<RingKey>> change, CancellationToken ct)
    {
        var db = scope.GetRequiredService<PostgreSqlProfilesDbContext>();
        await using var transaction = await db.Database.BeginTransactionAsync(ct);
        // Excludes other changes and no reader.
        await db.Database.ExecuteSqlAsync($"LOCK TABLE signing_key_ring IN SHARE ROW EXCLUSIVE MODE", ct);
        var before = await db.RingKeys.OrderBy(k => k.CreatedAt).ThenBy(k => k.Id).ToListAsync(ct);
        List<RingKey> after = [.. before];
        change(after);
        db.RemoveRange(before.Except(after));
        db.AddRange(after.Except(before));
        await db.SaveChangesAsync(ct);
        await transaction.CommitAsync(ct);
    }
}
