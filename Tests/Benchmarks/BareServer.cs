using System.Buffers;
using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Data.Common;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using System.Text.Unicode;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace Profiles.Benchmarks;

record Answer(
    long Id, string Name, string Email, bool EmailVerified, string? PendingEmail, string? ImageUrl, ImageAnswer? Image, string? Username,
    string? Bio, string? Phone, DateOnly? BirthDate, string? Locale, string? TimeZone, JsonElement? Metadata, bool IsPublic);

sealed record ImageAnswer(
    string Url, int Width, int Height, int Bytes, string Thumbhash, string DominantColor, Squares Variants, DateTime UpdatedAt);

sealed record Squares(
    [property: JsonPropertyName("96")] string Small, [property: JsonPropertyName("256")] string Medium,
    [property: JsonPropertyName("512")] string Large);

sealed record Changed(string Message, Answer Profile) : Answer(Profile)
{
    [JsonIgnore]
    public Answer Profile { get; } = Profile;
}

sealed record Change(string? Name);

sealed record Credentials(string Email, string Password);

sealed record LoggedIn(string AccessToken);

[JsonSerializable(typeof(Answer)), JsonSerializable(typeof(Changed)), JsonSerializable(typeof(LoggedIn))]
[JsonSerializable(typeof(Change)), JsonSerializable(typeof(Credentials))]
sealed partial class BareJson : JsonSerializerContext;

/// <summary>
/// Serves <c>GET /me</c>, <c>PUT /me</c> and <c>POST /login</c> without a framework: Kestrel with a token check by hand, prepared commands,
/// generated JSON and a buffered log. It does the same work: HS256 over the token, its <c>exp</c>, <c>iss</c> and <c>aud</c>; one indexed
/// read of the session and both tables; the same JSON, <c>ETag</c> (SHA-256), <c>Cache-Control</c> and <c>If-None-Match</c>; a change under
/// the profile's version in a commit of its own, flushed to disk; bcrypt; one JSON line with the same members. It omits policies, other
/// routes, fields but the name, sessions of log-ins, limits, problem details, security headers, CORS, host names, HEAD, strict base64url,
/// time-outs and database faults.
/// </summary>
sealed class BareServer(string publicBaseUrl, byte[] key, IBareDatabase database)
{
    // The shape of the service's answers is part of its tags.
    const string Shape = "1ad304035c7f4d1e8a6b9c2d3e4f5061";

    const string Read = """
        SELECT u.id, p.name, u.email, u.email_verified_at IS NOT NULL, u.pending_email, p.username, p.bio, p.phone, p.birth_date, p.locale,
            p.time_zone, p.metadata, p.is_public, p.version, p.image_url, p.image_width, p.image_height, p.image_bytes, p.image_thumbhash,
            p.image_dominant_color, p.image_updated_at
        FROM sessions s JOIN users u ON u.id = s.user_id JOIN user_profiles p ON p.user_id = u.id
        WHERE s.id = @session AND s.user_id = @id
        """;

    const string Write = "UPDATE user_profiles SET name = @name, version = version + 1, updated_at = @now " +
        "WHERE user_id = @id AND version = @version RETURNING version";

    const string FindHash = "SELECT id, password_hash FROM users WHERE normalized_email = @email";

    static readonly BareJson Json = new(
        new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    readonly BareHashing hashing = new();
    readonly BareLog log = new();

    public static async Task RunAsync(string[] arguments)
    {
        var builder = WebApplication.CreateSlimBuilder(arguments);
        builder.WebHost.ConfigureKestrel(k => (k.AddServerHeader, k.Limits.MaxRequestBodySize) = (false, 64 * 1024));
        builder.Logging.ClearProviders();
        await using var app = builder.Build();
        var connectionString = app.Configuration.GetConnectionString("Profiles")!;
        IBareDatabase database = Accounts.IsPostgreSql(connectionString)
            ? new BarePostgreSql(connectionString) : new BareSqlite(connectionString);
        var server = new BareServer(
            app.Configuration["PublicBaseUrl"]!, Encoding.ASCII.GetBytes(app.Configuration["Jwt:SigningKey"]!), database);
        app.MapGet("/me", server.Logged("GET", "/me", server.GetMeAsync));
        app.MapPut("/me", server.Logged("PUT", "/me", server.PutMeAsync));
        app.MapPost("/login", server.Logged("POST", "/login", server.LoginAsync));
        app.MapGet("/health/ready", async (HttpContext context) => await database.ReadAsync("SELECT 1", row => row.GetInt32(0)));
        await app.RunAsync();
    }

    RequestDelegate Logged(string method, string route, Func<HttpContext, ValueTask<long?>> answer) => async context =>
    {
        var start = Stopwatch.GetTimestamp();
        var user = await answer(context);
        log.Write(
            method, route, context.Response.StatusCode, Stopwatch.GetElapsedTime(start), user, Activity.Current?.TraceId.ToHexString());
    };

    async ValueTask<long?> GetMeAsync(HttpContext context)
    {
        if (await FindAsync(context) is not var (answer, version))
            return null;
        var tag = Tag(answer, version);
        context.Response.Headers.ETag = tag;
        context.Response.Headers.CacheControl = "private, no-cache";
        if (context.Request.Headers.IfNoneMatch == tag)
            context.Response.StatusCode = StatusCodes.Status304NotModified;
        else
            await SendAsync(context, answer, Json.Answer);
        return answer.Id;
    }

    async ValueTask<long?> PutMeAsync(HttpContext context)
    {
        if (await FindAsync(context) is not var (answer, version))
            return null;
        var change = await JsonSerializer.DeserializeAsync(context.Request.Body, Json.Change, context.RequestAborted);
        if (change?.Name?.Trim() is not { Length: > 0 and <= 100 } name || name.Any(char.IsControl))
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            return answer.Id;
        }
        var changed = await database.WriteAsync(Write, row => row.GetInt32(0),
            ("name", name), ("now", TimeProvider.System.GetUtcNow().UtcDateTime), ("id", answer.Id), ("version", version));
        if (changed == 0)
        {
            context.Response.StatusCode = StatusCodes.Status409Conflict;
            return answer.Id;
        }
        answer = answer with { Name = name };
        context.Response.Headers.ETag = Tag(answer, changed);
        context.Response.Headers.CacheControl = "no-store";
        await SendAsync(context, new("Profile updated successfully", answer), Json.Changed);
        return answer.Id;
    }

    async ValueTask<long?> LoginAsync(HttpContext context)
    {
        var given = (await JsonSerializer.DeserializeAsync(context.Request.Body, Json.Credentials, context.RequestAborted))!;
        var (id, hash) = await database.ReadAsync(
            FindHash, row => (row.GetInt64(0), row.GetString(1)), ("email", given.Email.Trim().ToLowerInvariant()));
        if (hash is not null && await hashing.VerifyAsync(given.Password, hash))
            await SendAsync(context, new(Accounts.Token(key, id)), Json.LoggedIn);
        else
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
        return id;
    }

    static ValueTask SendAsync<T>(HttpContext context, T answer, JsonTypeInfo<T> type)
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(answer, type);
        (context.Response.ContentType, context.Response.ContentLength) = ("application/json; charset=utf-8", json.Length);
        return context.Response.Body.WriteAsync(json);
    }

    async ValueTask<(Answer Answer, int Version)?> FindAsync(HttpContext context)
    {
        var found = Ids(context.Request.Headers.Authorization.ToString()) is not var (id, session) ? null
            : await database.ReadAsync<(Answer, int)?>(Read, row => (AnswerOf(row), row.GetInt32(13)), ("id", id), ("session", session));
        if (found is null)
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
        return found;
    }

    Answer AnswerOf(DbDataReader row)
    {
        var url = Text(row, 14) is ['/', ..] path ? publicBaseUrl + path : Text(row, 14);
        return new(row.GetInt64(0), row.GetString(1), row.GetString(2), row.GetBoolean(3), Text(row, 4), url,
            url is null || row.GetInt32(15) == 0 ? null : new(
                url, row.GetInt32(15), row.GetInt32(16), row.GetInt32(17), row.GetString(18), row.GetString(19),
                new(Square(url, "_96.jpg?"), Square(url, "_256.jpg?"), Square(url, "_512.jpg?")),
                DateTime.SpecifyKind(row.GetDateTime(20), DateTimeKind.Utc)),
            Text(row, 5), Text(row, 6), Text(row, 7), row.IsDBNull(8) ? null : row.GetFieldValue<DateOnly>(8), Text(row, 9), Text(row, 10),
            Text(row, 11) is { } json ? JsonElement.Parse(json) : null, row.GetBoolean(12));
    }

    static string Square(string url, string end) => url.Replace(".jpg?", end, StringComparison.Ordinal);

    static string? Text(DbDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    static string Tag(Answer answer, int version)
    {
        var shown = string.Create(CultureInfo.InvariantCulture, $"{Shape}\n{answer.Id}\n{version}\n{answer.ImageUrl}");
        return $"\"{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(shown)).AsSpan(0, 16))}\"";
    }

    (long User, long Session)? Ids(string header)
    {
        if (!header.StartsWith("Bearer ", StringComparison.Ordinal))
            return null;
        var token = header.AsSpan(7);
        var end = token.LastIndexOf('.');
        var begin = token.IndexOf('.') + 1;
        if (begin >= end)
            return null;
        Span<byte> text = stackalloc byte[1024];
        Span<byte> expected = stackalloc byte[HMACSHA256.HashSizeInBytes], given = stackalloc byte[HMACSHA256.HashSizeInBytes];
        if (end > text.Length || !Base64Url.TryDecodeFromChars(token[(end + 1)..], given, out var length) || length != given.Length)
            return null;
        HMACSHA256.HashData(key, text[..Encoding.ASCII.GetBytes(token[..end], text)], expected);
        if (!CryptographicOperations.FixedTimeEquals(expected, given) || !Base64Url.TryDecodeFromChars(token[begin..end], text, out length))
            return null;
        var json = new Utf8JsonReader(text[..length]);
        var (id, session, expires, issuer, audience) = (0L, 0L, 0L, false, false);
        while (json.Read())
        {
            if (json.TokenType != JsonTokenType.PropertyName)
                continue;
            if (json.ValueTextEquals("user_id"u8) && json.Read())
                id = json.GetInt64();
            else if (json.ValueTextEquals("session_id"u8) && json.Read())
                session = json.GetInt64();
            else if (json.ValueTextEquals("exp"u8) && json.Read())
                expires = json.GetInt64();
            else if (json.ValueTextEquals("iss"u8) && json.Read())
                issuer = json.ValueTextEquals("profiles"u8);
            else if (json.ValueTextEquals("aud"u8) && json.Read())
                audience = json.ValueTextEquals("profiles"u8);
        }
        return issuer && audience && expires > TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() ? (id, session) : null;
    }
}

/// <summary>Runs prepared commands; a row that is not there is the type's default.</summary>
interface IBareDatabase
{
    ValueTask<T?> ReadAsync<T>(string sql, Func<DbDataReader, T> map, params (string Name, object Value)[] values);

    ValueTask<T?> WriteAsync<T>(string sql, Func<DbDataReader, T> map, params (string Name, object Value)[] values);
}

sealed class BarePostgreSql(string connectionString) : IBareDatabase
{
    // As the service configures it: prepared statements, and no session reset.
    readonly NpgsqlDataSource source = NpgsqlDataSource.Create(
        $"{connectionString};Maximum Pool Size=25;Max Auto Prepare=20;Auto Prepare Min Usages=2;No Reset On Close=true");

    public async ValueTask<T?> ReadAsync<T>(string sql, Func<DbDataReader, T> map, params (string Name, object Value)[] values)
    {
        await using var connection = await source.OpenConnectionAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        foreach (var (name, value) in values)
            command.Parameters.AddWithValue(name, value);
        await using var rows = await command.ExecuteReaderAsync();
        return await rows.ReadAsync() ? map(rows) : default;
    }

    public ValueTask<T?> WriteAsync<T>(string sql, Func<DbDataReader, T> map, params (string Name, object Value)[] values) =>
        ReadAsync(sql, map, values);
}

/// <summary>A connection for each reading thread, and one that writes in turn.</summary>
sealed class BareSqlite(string connectionString) : IBareDatabase
{
    readonly ThreadLocal<Kept> readers = new(() => new(connectionString));
    readonly Lazy<Kept> writer = new(() => new(connectionString));
    readonly SemaphoreSlim turn = new(1);

    public ValueTask<T?> ReadAsync<T>(string sql, Func<DbDataReader, T> map, params (string Name, object Value)[] values) =>
        new(readers.Value!.Run(sql, map, values));

    public async ValueTask<T?> WriteAsync<T>(string sql, Func<DbDataReader, T> map, params (string Name, object Value)[] values)
    {
        await turn.WaitAsync();
        try
        {
            return writer.Value.Run(sql, map, values);
        }
        finally
        {
            turn.Release();
        }
    }

    /// <summary>A connection with its prepared commands.</summary>
    sealed class Kept
    {
        readonly SqliteConnection connection;
        readonly Dictionary<string, SqliteCommand> commands = [];

        public Kept(string connectionString)
        {
            connection = new($"{connectionString};Pooling=false");
            connection.Open();
            using var command = new SqliteCommand("PRAGMA synchronous=FULL; PRAGMA secure_delete=ON", connection);
            command.ExecuteNonQuery();
        }

        public T? Run<T>(string sql, Func<DbDataReader, T> map, (string Name, object Value)[] values)
        {
            if (!commands.TryGetValue(sql, out var command))
            {
                commands[sql] = command = new(sql, connection);
                foreach (var (name, value) in values)
                    command.Parameters.AddWithValue(name, value);
                command.Prepare();
            }
            for (var i = 0; i < values.Length; i++)
                command.Parameters[i].Value = values[i].Value;
            using var rows = command.ExecuteReader();
            return rows.Read() ? map(rows) : default;
        }
    }
}

/// <summary>Verifies passwords on one thread for each processor, which give way to all others.</summary>
sealed partial class BareHashing
{
    readonly BlockingCollection<(string Password, string Hash, TaskCompletionSource<bool> Result)> queue = new(boundedCapacity: 50);

    public BareHashing()
    {
        for (var i = 0; i < Environment.ProcessorCount; i++)
            new Thread(Work) { IsBackground = true }.Start();
    }

    public Task<bool> VerifyAsync(string password, string hash)
    {
        var result = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        return queue.TryAdd((password, hash, result)) ? result.Task : throw new InvalidOperationException("The queue is full.");
    }

    void Work()
    {
        // 0 and 0 are this thread.
        if (setpriority(0, 0, 10) != 0)
            throw new InvalidOperationException("The thread's priority cannot be lowered.");
        foreach (var (password, hash, result) in queue.GetConsumingEnumerable())
            result.SetResult(BCrypt.Net.BCrypt.Verify(password, hash));
    }

    [LibraryImport("libc")]
    private static partial int setpriority(int which, uint who, int priority);
}

/// <summary>Writes lines to standard output every 50 ms.</summary>
sealed class BareLog
{
    static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    readonly Stream output = Console.OpenStandardOutput();
    readonly Lock gate = new();
    ArrayBufferWriter<byte> lines = new(64 * 1024), written = new(64 * 1024);

    public BareLog() => _ = FlushAsync();

    public void Write(string method, string route, int status, TimeSpan time, long? user, string? trace)
    {
        lock (gate)
        {
            var span = lines.GetSpan(400);
            var (now, milliseconds) = (TimeProvider.System.GetUtcNow(), time.TotalMilliseconds);
            Utf8.TryWrite(span, CultureInfo.InvariantCulture,
                $$"""{"Timestamp":"{{now:yyyy-MM-ddTHH:mm:ss.fffZ}}","LogLevel":"Information","Method":"{{method}}",""", out var length);
            Utf8.TryWrite(span[length..], CultureInfo.InvariantCulture,
                $$"""
                "Route":"{{route}}","Status":{{status}},"Milliseconds":{{milliseconds:F1}},"UserId":{{user ?? 0}},"TraceId":"{{trace}}"}

                """,
                out var rest);
            length += rest;
            lines.Advance(length);
        }
    }

    async Task FlushAsync()
    {
        using var timer = new PeriodicTimer(Interval);
        while (await timer.WaitForNextTickAsync())
        {
            lock (gate)
                (lines, written) = (written, lines);
            await output.WriteAsync(written.WrittenMemory);
            written.ResetWrittenCount();
        }
    }
}
