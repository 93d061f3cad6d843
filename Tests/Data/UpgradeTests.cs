using System.Data.Common;
using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Hosting;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Profiles.Tests.Data;

/// <summary>
/// A service on a database that went through every schema: at each, this fixture writes a user and a row of each table as that version and
/// the version before it write them. A migration fails here when it drops a table or column that the other version still uses, or adds a
/// required column that the other version does not know.
/// </summary>
public sealed class UpgradedFixture : ProfilesFixture
{
    public const string Password = "correct horse battery staple";

    // Higher than the ids that the database generates afterwards.
    const int FirstUser = 1000;

    // The service writes its own signing keys; one that it cannot read stops the start.
    static readonly string[] Skipped =
        ["signing_keys", "signing_key_ring", "__EFMigrationsHistory", "__EFMigrationsLock", "sqlite_sequence"];

    readonly string hash = BCrypt.Net.BCrypt.HashPassword(Password, 4);

    /// <summary>The users, by the schema and the version that wrote them.</summary>
    public Dictionary<string, string> Emails { get; } = [];

    protected override void ConfigureApp(IWebHostBuilder a)
    {
        base.ConfigureApp(a);
        var data = a.GetSetting("DataDirectory")!;
        Directory.CreateDirectory(data);
        using var db = TestDatabase.Open(data, a.GetSetting("ConnectionStrings:Profiles"));
        db.Database.OpenConnection();
        var before = new List<Column>();
        foreach (var migration in db.Database.GetMigrations())
        {
            db.GetService<IMigrator>().Migrate(migration);
            if (before.Count > 0)
                Write($"the version before {migration}", db.Database.GetDbConnection(), before);
            before = Columns(db.Database.GetDbConnection());
            Write(migration, db.Database.GetDbConnection(), before);
        }
    }

    void Write(string version, DbConnection connection, List<Column> columns)
    {
        var user = FirstUser + Emails.Count;
        Emails[version] = Email(user);
        // The other tables refer to these two.
        foreach (var table in columns.GroupBy(c => c.Table).OrderByDescending(t => t.Key == "users")
            .ThenByDescending(t => t.Key == "user_profiles"))
        {
            using var command = connection.CreateCommand();
            var values = table.Select(c => (c.Name, Value: Value(c, user))).Where(c => c.Value is not null).ToArray();
            var (names, parameters) = (values.Select(c => c.Name), values.Select(c => $"@{c.Name}"));
            command.CommandText = $"INSERT INTO {table.Key} ({string.Join(", ", names)}) VALUES ({string.Join(", ", parameters)})";
            foreach (var (name, value) in values)
            {
                var parameter = command.CreateParameter();
                (parameter.ParameterName, parameter.Value) = (name, value);
                command.Parameters.Add(parameter);
            }
            command.ExecuteNonQuery().ShouldBe(1);
        }
    }

    static string Email(int user) => $"user{user}@example.com";

    // A plausible value for the name and the type of the column.
    object? Value(Column column, int user) => column.Name switch
    {
        "id" or "user_id" => user,
        "email" or "normalized_email" => Email(user),
        "password_hash" => hash,
        "pending_email" or "pending_session_id" or "mail" or "status" or "disabled_at" or "confirmed_at" or "guest_since" => null,
        "birth_date" => new DateOnly(2000, 1, 1),
        "username" => $"user{user}",
        "aaguid" => Guid.Empty.ToString(),
        "phone" => "+4930123456",
        "locale" => "de",
        "time_zone" => "Europe/Berlin",
        "metadata" => "{}",
        "image_url" => $"/static/profile/{user}.jpg?v={user:x32}",
        "image_thumbhash" => "1QcSHQRnh493V4dIh4eXh1h4kJUI",
        "image_dominant_color" => "#a0b0c0",
        "url" => "https://example.com/webhooks",
        "events" => "",
        "secret" or "previous_secret" => "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "due_at" or "expires_at" or "ends_at" or "token_expires_at" or "previous_secret_until" =>
            TimeProvider.System.GetUtcNow().UtcDateTime.AddDays(1),
        var name when name == "at" || name.EndsWith("_at", StringComparison.Ordinal) => TimeProvider.System.GetUtcNow().UtcDateTime,
        var name when name.StartsWith("is_", StringComparison.Ordinal) => false,
        var name when column.Type is "BLOB" or "bytea" => SHA256.HashData(Encoding.UTF8.GetBytes($"{column.Table} {name} {user}")),
        var name when column.Type is "INTEGER" or "integer" or "bigint" => 1,
        _ => $"text {user}",
    };

    static List<Column> Columns(DbConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = TestDatabase.IsPostgreSql
            ? "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public'"
            : "SELECT t.name, c.name, c.type FROM sqlite_master t JOIN pragma_table_info(t.name) c WHERE t.type = 'table'";
        using var reader = command.ExecuteReader();
        return [.. reader.Cast<DbDataRecord>().Select(r => new Column(r.GetString(0), r.GetString(1), r.GetString(2)))
            .Where(c => !Skipped.Contains(c.Table))];
    }

    sealed record Column(string Table, string Name, string Type);
}

public sealed class UpgradeTests(UpgradedFixture app) : TestBase<UpgradedFixture>
{
    [Fact]
    public async Task Every_version_s_user_logs_in_is_shown_and_changes_the_profile()
    {
        // Each schema by its own version, and each but the first by the version before.
        app.Emails.Count.ShouldBe((2 * await app.QueryAsync(db => Task.FromResult(db.Database.GetMigrations().Count()))) - 1);
        foreach (var (version, email) in app.Emails)
        {
            var answer = await app.Client.PostAsJsonAsync("/login", new { email, password = UpgradedFixture.Password }, Cancellation);
            var login = await answer.ShouldBeAsync(HttpStatusCode.OK);
            using var client = app.ClientFor(new(0, "", email, "", login.GetProperty("access_token").GetString()!));
            (await (await client.GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK)).GetProperty("email").GetString()
                .ShouldBe(email, version);
            var changed = await (await client.PutAsJsonAsync("/me", new { name = version }, Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
            changed.GetProperty("name").GetString().ShouldBe(version);
        }
    }
}
