using System.Buffers.Text;
using System.Data.Common;
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace Profiles.Benchmarks;

sealed record Row(long Id, string Name, string Email, string? ImageUrl, int Version);

sealed record Answer(long Id, string Name, string Email, string? ImageUrl);

[JsonSerializable(typeof(Answer))]
sealed partial class AnswerJson : JsonSerializerContext;

/// <summary>
/// Serves <c>GET /me</c> without a framework: a slim minimal API that checks the token by hand and reads the row with a prepared command.
/// It does the same work: HS256 over the token, its <c>exp</c>, <c>iss</c> and <c>aud</c>; one indexed read of both tables; the same JSON,
/// <c>ETag</c> (SHA-256), <c>Cache-Control</c> and <c>If-None-Match</c>; one JSON line with the same members to the same kind of log. It
/// omits policies, other routes, problem details, security headers, CORS, host names, HEAD, strict base64url, time-outs and database
/// faults.
/// </summary>
sealed class BareServer(string publicBaseUrl, byte[] key, Func<long, CancellationToken, ValueTask<Row?>> read, ILogger log)
{
    const string Sql = "SELECT u.id, p.name, u.email, p.image_url, p.version " +
        "FROM users u JOIN user_profiles p ON p.user_id = u.id WHERE u.id = @id";

    public static async Task RunAsync(string[] arguments)
    {
        var builder = WebApplication.CreateSlimBuilder(arguments);
        builder.WebHost.ConfigureKestrel(k => (k.AddServerHeader, k.Limits.MaxRequestBodySize) = (false, 64 * 1024));
        builder.Services.ConfigureHttpJsonOptions(o =>
        {
            o.SerializerOptions.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
            o.SerializerOptions.TypeInfoResolverChain.Insert(0, AnswerJson.Default);
        });
        builder.Logging.ClearProviders().AddFilter("Microsoft.AspNetCore", LogLevel.Warning).AddJsonConsole(o =>
        {
            o.UseUtcTimestamp = true;
            o.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ";
        });
        await using var app = builder.Build();
        var connectionString = app.Configuration.GetConnectionString("Profiles")!;
        var read = connectionString.StartsWith("Host=", StringComparison.Ordinal)
            ? FromPostgreSql(connectionString) : FromSqlite(connectionString);
        var server = new BareServer(app.Configuration["PublicBaseUrl"]!,
            Encoding.ASCII.GetBytes(app.Configuration["Jwt:SigningKey"]!), read, app.Logger);
        app.MapGet("/me", (Delegate)server.GetMeAsync);
        await app.RunAsync();
    }

    async Task<IResult> GetMeAsync(HttpContext context)
    {
        var start = Stopwatch.GetTimestamp();
        var id = UserId(context.Request.Headers.Authorization.ToString());
        var result = await AnswerAsync(context, id);
        log.LogInformation(
            "{Method} {Route} answered {Status} in {Milliseconds} ms for user {UserId} ({TraceId}).", "GET", "/me",
            ((IStatusCodeHttpResult)result).StatusCode, Math.Round(Stopwatch.GetElapsedTime(start).TotalMilliseconds, 1), id,
            Activity.Current?.TraceId.ToHexString());
        return result;
    }

    async Task<IResult> AnswerAsync(HttpContext context, long? id)
    {
        if (id is null || await read(id.Value, context.RequestAborted) is not { } row)
            return TypedResults.Unauthorized();
        var url = row.ImageUrl is ['/', ..] ? publicBaseUrl + row.ImageUrl : row.ImageUrl;
        var shown = string.Create(CultureInfo.InvariantCulture, $"{row.Id}\n{row.Version}\n{url}");
        var tag = $"\"{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(shown)).AsSpan(0, 16))}\"";
        context.Response.Headers.ETag = tag;
        context.Response.Headers.CacheControl = "private, no-cache";
        return context.Request.Headers.IfNoneMatch == tag
            ? TypedResults.StatusCode(StatusCodes.Status304NotModified)
            : TypedResults.Ok(new Answer(row.Id, row.Name, row.Email, url));
    }

    long? UserId(string header)
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
        var (id, expires, issuer, audience) = (0L, 0L, false, false);
        while (json.Read())
        {
            if (json.TokenType != JsonTokenType.PropertyName)
                continue;
            if (json.ValueTextEquals("user_id"u8) && json.Read())
                id = json.GetInt64();
            else if (json.ValueTextEquals("exp"u8) && json.Read())
                expires = json.GetInt64();
            else if (json.ValueTextEquals("iss"u8) && json.Read())
                issuer = json.ValueTextEquals("profiles"u8);
            else if (json.ValueTextEquals("aud"u8) && json.Read())
                audience = json.ValueTextEquals("profiles"u8);
        }
        return issuer && audience && expires > DateTimeOffset.UtcNow.ToUnixTimeSeconds() ? id : null;
    }

    static Func<long, CancellationToken, ValueTask<Row?>> FromPostgreSql(string connectionString)
    {
        // As the service configures it: prepared statements, and no session reset.
        var source = NpgsqlDataSource.Create(
            $"{connectionString};Maximum Pool Size=25;Max Auto Prepare=20;Auto Prepare Min Usages=2;No Reset On Close=true");
        return async (id, ct) =>
        {
            await using var connection = await source.OpenConnectionAsync(ct);
            await using var command = new NpgsqlCommand(Sql, connection) { Parameters = { new NpgsqlParameter<long>("id", id) } };
            await using var rows = await command.ExecuteReaderAsync(ct);
            return await rows.ReadAsync(ct) ? RowOf(rows) : null;
        };
    }

    static Func<long, CancellationToken, ValueTask<Row?>> FromSqlite(string connectionString)
    {
        var kept = new ThreadLocal<SqliteCommand>(() =>
        {
            var connection = new SqliteConnection(connectionString);
            connection.Open();
            var command = new SqliteCommand(Sql, connection) { Parameters = { new SqliteParameter("id", SqliteType.Integer) } };
            command.Prepare();
            return command;
        });
        return (id, _) =>
        {
            var command = kept.Value!;
            command.Parameters[0].Value = id;
            using var rows = command.ExecuteReader();
            return new(rows.Read() ? RowOf(rows) : null);
        };
    }

    static Row RowOf(DbDataReader row) =>
        new(row.GetInt64(0), row.GetString(1), row.GetString(2), row.IsDBNull(3) ? null : row.GetString(3), row.GetInt32(4));
}
