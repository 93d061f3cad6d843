using System.Data.Common;
using System.Globalization;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace Profiles.Benchmarks;

/// <summary>
/// The rows that a service with so many users has: each with a profile and a username, an image for every third, two sessions, three
/// security events; some tokens, answers, counts and waiting registrations; nothing expired. Made by the database itself, the same at every
/// run.
/// </summary>
sealed class GrowthData(string connectionString)
{
    /// <summary>What a user takes on the disk while the database is filled, in bytes, by engine.</summary>
    public const long SqliteBytes = 2_500, PostgreSqlBytes = 5_000;

    /// <summary>
    /// The rows of each kind that <see cref="AddExpiredAsync"/> adds. With more, each page of the smallest database would be touched again
    /// and again, which makes it look cheap.
    /// </summary>
    public const int Expired = 4;

    // bcrypt's lowest, so that little has to be subtracted from a login.
    public const int WorkFactor = 4;

    const int Hour = 3600, Day = 24 * Hour;

    readonly bool isPostgreSql = Accounts.IsPostgreSql(connectionString);

    /// <summary>Adds the users to an empty database.</summary>
    public async Task FillAsync(int users)
    {
        var password = BCrypt.Net.BCrypt.HashPassword(Accounts.Password, WorkFactor);
        var image = (string value) => $"CASE WHEN n % 3 = 0 THEN {value} END";
        var old = (int range) => Time($"-(n * 7919 % {range})");
        await RunAsync(
        [
            // Rows come in an order that needs no check, and no journal: a fill that was interrupted is thrown away.
            isPostgreSql ? "SET session_replication_role = replica; SET synchronous_commit = off"
                : "PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF; PRAGMA cache_size=-1000000",
            $"""
            INSERT INTO users (email, normalized_email, password_hash, created_at, email_verified_at)
            SELECT 'user' || n || '@example.com', 'user' || n || '@example.com', '{password}', {Time("-n % 7000")}, {Time("-n % 7000")}
            {From(users)}
            """,
            $"""
            INSERT INTO user_profiles (user_id, name, username, bio, is_public, version, updated_at, image_key, image_url, image_width,
                image_height, image_bytes, image_thumbhash, image_dominant_color, image_updated_at)
            SELECT n, 'John Doe ' || n, 'user' || n, CASE WHEN n % 2 = 0 THEN 'Climbs, cooks, reads.' END, n % 2 = 0, 1,
                {old(80 * Day)}, {image("'1ad30403'")}, {image("'https://res.cloudinary.com/demo/image/upload/profile/' || n || '.jpg'")},
                {image("1008")}, {image("756")}, {image("118203")}, {image("'2fcZFIB3iId/h3iJh4aIYJ2V8g=='")}, {image("'#60a0c0'")},
                {image(old(80 * Day))}
            {From(users)}
            """,
            // A user's first session has the number of the user: Accounts.Token.
            $"""
            INSERT INTO sessions (user_id, device, family_hash, token_hash, created_at, last_used_at)
            SELECT n, 'iPhone', {Hash("n * 8")}, {Hash("n * 8 + 1")}, {old(50 * Day)}, {old(40 * Day)} {From(users)}
            """,
            $"""
            INSERT INTO sessions (user_id, device, family_hash, token_hash, previous_hash, rotated_at, created_at, last_used_at)
            SELECT n, 'Pixel', {Hash("n * 8 + 2")}, {Hash("n * 8 + 3")}, {Hash("n * 8 + 4")}, {old(40 * Day)}, {old(50 * Day)},
                {old(40 * Day)}
            {From(users)}
            """,
            .. Enumerable.Range(1, 3).Select(kind => $"""
                INSERT INTO security_events (user_id, kind, at, device, network)
                SELECT n, {kind}, {Time($"-((n + {kind}) * 7919 % {80 * Day})")}, 'iPhone', '203.0.113.0/24' {From(users)}
                """),
            $"""
            INSERT INTO rate_limits (key_hash, count, ends_at) SELECT {Hash("n * 8 + 5")}, 1, {Time($"{Day}")} {From(users / 10)}
            """,
            $"""
            INSERT INTO one_time_tokens (user_id, purpose, token_hash, normalized_email, expires_at)
            SELECT n, 2, {Hash("n * 8 + 6")}, 'user' || n || '@example.com', {Time($"{Day} + n % {Day}")} {From(users / 20)}
            """,
            $"""
            INSERT INTO idempotent_answers (key_hash, user_id, request_hash, status, headers, body, created_at)
            SELECT {Hash("n * 8 + 7")}, n, {Hash("n")}, 200, '[]', {Hash("n")}, {old(12 * Hour)} {From(users / 50)}
            """,
            $"""
            INSERT INTO waiting_registrations (normalized_email, email, name, password_hash, created_at)
            SELECT 'waits' || n || '@example.com', 'waits' || n || '@example.com', 'Jane Doe', '{password}', {old(Day)} {From(users / 50)}
            """,
            $"""
            INSERT INTO audit_log (at, actor, action, user_id) SELECT {old(80 * Day)}, 'key:support', 'users.show', n {From(users / 20)}
            """,
            // The service never runs ANALYZE on SQLite; PostgreSQL does it by itself, a minute later.
            isPostgreSql ? "VACUUM ANALYZE" : "PRAGMA journal_mode=WAL",
        ]);
    }

    /// <summary>Adds <see cref="Expired"/> rows of every kind that the cleanup knows, of users from everywhere.</summary>
    /// <param name="users">How many there are.</param>
    /// <param name="round">A number that is new each time.</param>
    public Task AddExpiredAsync(int users, int round)
    {
        var (user, from) = ($"1 + n * 7919 % {users}", From(Expired));
        var hash = (int part) => Hash($"({1_000_000_000 + (round * 8000)} + n * 8 + {part})");
        return RunAsync(
        [
            $"""
            INSERT INTO sessions (user_id, family_hash, token_hash, created_at, last_used_at)
            SELECT {user}, {hash(0)}, {hash(1)}, {Time($"-{100 * Day}")}, {Time($"-{100 * Day}")} {from}
            """,
            $"""
            UPDATE sessions SET successor = previous_hash, rotated_at = {Time($"-{Hour}")}
            WHERE id IN (SELECT {users} + {user} {from})
            """,
            $"INSERT INTO security_events (user_id, kind, at) SELECT {user}, 2, {Time($"-{100 * Day}")} {from}",
            $"INSERT INTO rate_limits (key_hash, count, ends_at) SELECT {hash(2)}, 1, {Time($"-{Hour}")} {from}",
            $"""
            INSERT INTO one_time_tokens (user_id, purpose, token_hash, normalized_email, expires_at)
            SELECT {user}, 2, {hash(3)}, 'user@example.com', {Time($"-{Hour}")} {from}
            """,
            $"""
            INSERT INTO idempotent_answers (key_hash, user_id, request_hash, created_at)
            SELECT {hash(4)}, {user}, {hash(5)}, {Time($"-{2 * Day}")} {from}
            """,
            $"""
            INSERT INTO waiting_registrations (normalized_email, email, name, password_hash, created_at)
            SELECT 'late' || (n * 7919) || '@example.com', 'late', 'Jane Doe', '', {Time($"-{20 * Day}")} {from}
            """,
        ]);
    }

    async Task RunAsync(IEnumerable<string> statements)
    {
        await using DbConnection connection = isPostgreSql
            ? new NpgsqlConnection($"{connectionString};Pooling=false") : new SqliteConnection($"{connectionString};Pooling=false");
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandTimeout = 3 * Hour;
        foreach (var statement in statements)
        {
            command.CommandText = statement;
            await command.ExecuteNonQueryAsync();
        }
    }

    string From(int count) => isPostgreSql
        ? string.Create(CultureInfo.InvariantCulture, $"FROM (SELECT n FROM generate_series(1, {count}::bigint) AS s(n)) AS numbers")
        : string.Create(CultureInfo.InvariantCulture,
            $"""
            FROM (WITH RECURSIVE s(n) AS (SELECT 1 WHERE {count} > 0 UNION ALL SELECT n + 1 FROM s WHERE n < {count}) SELECT n FROM s)
            """);

    string Time(string seconds) => isPostgreSql
        ? $"now() + ({seconds}) * INTERVAL '1 second'" : $"datetime('now', ({seconds}) || ' seconds')";

    // 32 bytes that differ, in no order: as many pages of an index are touched as by real hashes. (The factor is odd, so that the first
    // eight differ already.)
    string Hash(string number)
    {
        var mixed = $"(({number}) * 2654435761 % 4294967296)";
        return isPostgreSql ? $"convert_to(lpad(to_hex({mixed}), 8, '0') || lpad(CAST({number} AS text), 24, '0'), 'UTF8')"
            : $"CAST(printf('%08x%024d', {mixed}, {number}) AS BLOB)";
    }
}
