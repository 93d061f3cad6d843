using System.Buffers.Text;
using System.Data.Common;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace Profiles.Benchmarks;

/// <summary>The users that the benchmarks are: a session each, one password, an image for every second.</summary>
static class Accounts
{
    public const int Count = 10_000, WorkFactor = 10;

    public const string Password = "correct horse battery staple";

    public static string Email(long id) => string.Create(CultureInfo.InvariantCulture, $"user{id}@example.com");

    /// <summary>Adds the users to an empty database.</summary>
    public static async Task FillAsync(string connectionString)
    {
        var postgreSql = IsPostgreSql(connectionString);
        var (numbers, hash) = postgreSql
            ? ($"SELECT n FROM generate_series(1, {Count}) AS s(n)", "convert_to(lpad(CAST(id AS text), 32, '0'), 'UTF8')")
            : ($"WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {Count}) SELECT n FROM s",
                "CAST(printf('%032d', id) AS BLOB)");
        var password = BCrypt.Net.BCrypt.HashPassword(Password, WorkFactor);
        await using DbConnection connection = postgreSql
            ? new NpgsqlConnection($"{connectionString};Pooling=false") : new SqliteConnection(connectionString);
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        // A row's number is not given where the database counts: it would count from 1 again.
        command.CommandText = $"""
            INSERT INTO users (id, email, normalized_email, password_hash, created_at)
            SELECT n, 'user' || n || '@example.com', 'user' || n || '@example.com', '{password}', CURRENT_TIMESTAMP
            FROM ({numbers}) AS numbers;
            INSERT INTO sessions (user_id, family_hash, token_hash, created_at, last_used_at)
            SELECT id, {hash}, {hash}, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP FROM users ORDER BY id;
            INSERT INTO user_profiles (user_id, name, is_public, version, updated_at)
            SELECT id, 'John Doe ' || id, FALSE, 1, created_at FROM users;
            UPDATE user_profiles SET image_key = '1ad30403', image_width = 1008, image_height = 756, image_bytes = 118203,
                image_url = '/static/profile/' || user_id || '.jpg?v=1ad304035c7f4d1e8a6b9c2d3e4f5061',
                image_thumbhash = '2fcZFIB3iId/h3iJh4aIYJ2V8g==', image_dominant_color = '#60a0c0',
                image_updated_at = '2026-01-01 00:00:00{(postgreSql ? "Z" : "")}'
            WHERE user_id % 2 = 0;
            ANALYZE;
            """;
        await command.ExecuteNonQueryAsync();
    }

    public static bool IsPostgreSql(string connectionString) => connectionString.StartsWith("Host=", StringComparison.Ordinal);

    /// <summary>A token with the claims of the service's own.</summary>
    public static string Token(byte[] signingKey, long userId)
    {
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        var payload = JsonSerializer.SerializeToUtf8Bytes(new
        {
            user_id = userId,
            sub = userId.ToString(CultureInfo.InvariantCulture),
            session_id = userId,
            jti = Guid.NewGuid().ToString("N"),
            iss = "profiles",
            aud = "profiles",
            iat = now,
            nbf = now,
            exp = now + 3600,
        });
        var signed = $"{Base64Url.EncodeToString("""{"alg":"HS256","typ":"JWT"}"""u8)}.{Base64Url.EncodeToString(payload)}";
        return $"{signed}.{Base64Url.EncodeToString(HMACSHA256.HashData(signingKey, Encoding.ASCII.GetBytes(signed)))}";
    }

    /// <summary>The tokens of all users, by number.</summary>
    public static string[] Tokens(string signingKey) =>
        [.. Enumerable.Range(0, Count + 1).Select(id => Token(Encoding.ASCII.GetBytes(signingKey), id))];
}

/// <summary>Requests as they go over the wire.</summary>
static class Requests
{
    public static byte[] Get(string token) => Get("/me", token);

    public static byte[] Get(string path, string token) =>
        Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n");

    public static byte[] Put(string token, string name) =>
        Json("PUT /me", $"Authorization: Bearer {token}\r\n", $$"""{"name":"{{name}}"}""");

    public static byte[] Login(long userId) =>
        Json("POST /login", "", $$"""{"email":"{{Accounts.Email(userId)}}","password":"{{Accounts.Password}}"}""");

    public static byte[] Register(Guid name) =>
        Json("POST /register", "", $$"""{"name":"Jane Doe","email":"{{name:N}}@example.com","password":"{{Accounts.Password}}"}""");

    public static byte[] Upload(string token, byte[] photo)
    {
        const string Boundary = "4f5061a8b9c2d3e";
        var start = Encoding.ASCII.GetBytes($"--{Boundary}\r\nContent-Type: image/jpeg\r\n" +
            "Content-Disposition: form-data; name=\"image\"; filename=\"photo.jpg\"\r\n\r\n");
        var end = Encoding.ASCII.GetBytes($"\r\n--{Boundary}--\r\n");
        var length = start.Length + photo.Length + end.Length;
        var head = Encoding.ASCII.GetBytes($"POST /me/upload-image HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n" +
            $"Content-Type: multipart/form-data; boundary={Boundary}\r\nContent-Length: {length}\r\n\r\n");
        return [.. head, .. start, .. photo, .. end];
    }

    static byte[] Json(string line, string header, string body) => Encoding.ASCII.GetBytes($"{line} HTTP/1.1\r\nHost: localhost\r\n" +
        $"{header}Content-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}");
}
