using System.Net;
using System.Net.Http.Json;
using Npgsql;

namespace Profiles.Tests.Infrastructure.Tokens;

/// <summary>The signing key that instances on one PostgreSQL share; each test has its own database.</summary>
[Trait("Database", "PostgreSql")]
[Trait("Needs", "Process")]
public sealed class SharedSigningKeyTests
{
    const string KeyEncryptionKey = "the-first-K3v9QmT5xZr7Wp1LbY8sQ2";

    static CancellationToken Token => TestContext.Current.CancellationToken;

    readonly string database = TestDatabase.Cluster.CreateDatabase();

    [Fact]
    public async Task Instances_that_start_at_once_share_one_key_and_accept_each_other_s_tokens()
    {
        var servers = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => StartAsync()));
        try
        {
            var token = await JoinAsync(servers[0]);
            foreach (var server in servers)
                (await StatusAsync(server, token)).ShouldBe(HttpStatusCode.OK);
            foreach (var server in servers)
                Directory.GetFiles(Path.Combine(server.Directory, "data"), "signing*").ShouldBeEmpty();
        }
        finally
        {
            foreach (var server in servers)
                await server.DisposeAsync();
        }

        Scalar("SELECT count(*) FROM signing_key_ring").ShouldBe(2L);

        // The key outlives the instances, and the row contains it in plain text.
        var key = Row();
        key.Length.ShouldBe(64);
        await using var other = await ServerProcess.StartAsync(("Jwt__SigningKey", key));
        await using var later = await StartAsync();
        var old = await LoginAsync(later);
        (await StatusAsync(later, old)).ShouldBe(HttpStatusCode.OK);
        (await StatusAsync(other, old))
            .ShouldBe(HttpStatusCode.Unauthorized, "The signature is valid, but the other database does not have the user.");
    }

    [Fact]
    public async Task With_a_key_encryption_key_the_row_is_encrypted_and_only_that_key_decrypts_it()
    {
        string token;
        await using (var first = await StartAsync(("Jwt__KeyEncryptionKey", KeyEncryptionKey)))
            token = await JoinAsync(first);
        Row().ShouldStartWith("aes256gcm:");
        Scalar("SELECT count(*) FROM signing_key_ring WHERE value LIKE 'aes256gcm:%'").ShouldBe(2L);

        await using (var second = await StartAsync(("Jwt__KeyEncryptionKey", KeyEncryptionKey)))
            (await StatusAsync(second, token)).ShouldBe(HttpStatusCode.OK);
        var kept = Row();
        foreach (var settings in new (string, string)[][] { [], [("Jwt__KeyEncryptionKey", KeyEncryptionKey[..^1] + "3")] })
        {
            var (exitCode, output) = await ServerProcess.RefuseAsync([("ConnectionStrings__Profiles", database), .. settings]);
            exitCode.ShouldBe(1);
            output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]
                .ShouldMatch("^Profiles cannot start: The signing key in the database .*Jwt__KeyEncryptionKey.*\\.$");
        }
        Row().ShouldBe(kept);
    }

    [Fact]
    public async Task A_plain_text_key_is_encrypted_once_the_setting_exists_and_stays_the_same_key()
    {
        string token;
        await using (var first = await StartAsync())
            token = await JoinAsync(first);
        Row().ShouldNotContain(":");
        Scalar("SELECT count(*) FROM signing_key_ring WHERE value NOT LIKE '%:%'").ShouldBe(2L);
        await using var second = await StartAsync(("Jwt__KeyEncryptionKey", KeyEncryptionKey));
        Row().ShouldStartWith("aes256gcm:");
        Scalar("SELECT count(*) FROM signing_key_ring WHERE value LIKE 'aes256gcm:%'").ShouldBe(2L);
        (await StatusAsync(second, token)).ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("short")]
    [InlineData("aes256gcm:short")]
    [InlineData("aes256gcm:?")]
    public async Task A_damaged_row_stops_the_start_and_is_left_as_it_is(string damaged)
    {
        await (await StartAsync()).DisposeAsync();
        Execute($"UPDATE signing_keys SET value = '{damaged}'");
        var (exitCode, output) =
            await ServerProcess.RefuseAsync(("ConnectionStrings__Profiles", database), ("Jwt__KeyEncryptionKey", KeyEncryptionKey));
        exitCode.ShouldBe(1);
        output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1].ShouldStartWith("Profiles cannot start: The signing key ");
        Row().ShouldBe(damaged);
    }

    [Fact]
    public async Task A_key_from_the_settings_creates_no_row()
    {
        await using var server = await StartAsync(("Jwt__SigningKey", KeyEncryptionKey));
        (await StatusAsync(server, await JoinAsync(server))).ShouldBe(HttpStatusCode.OK);
        Scalar("SELECT (SELECT count(*) FROM signing_keys) + (SELECT count(*) FROM signing_key_ring)").ShouldBe(0L);
    }

    Task<ServerProcess> StartAsync(params (string, string)[] settings) =>
        ServerProcess.StartAsync([("ConnectionStrings__Profiles", database), .. settings]);

    string Row() => (string)Scalar("SELECT value FROM signing_keys")!;

    object? Scalar(string sql)
    {
        using var connection = new NpgsqlConnection(database + ";Pooling=false");
        connection.Open();
        using var command = new NpgsqlCommand(sql, connection);
        return command.ExecuteScalar();
    }

    void Execute(string sql) => Scalar(sql);

    static async Task<string> JoinAsync(ServerProcess server)
    {
        (await server.Client.PostAsJsonAsync("/register", new { name = "John", email = "john@example.com", password = "plum-tram-94" },
            Token)).EnsureSuccessStatusCode();
        return await LoginAsync(server);
    }

    static async Task<string> LoginAsync(ServerProcess server)
    {
        var login = await server.Client.PostAsJsonAsync("/login", new { email = "john@example.com", password = "plum-tram-94" }, Token);
        return (await login.ShouldBeAsync(HttpStatusCode.OK)).GetProperty("access_token").GetString()!;
    }

    static async Task<HttpStatusCode> StatusAsync(ServerProcess server, string token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/me") { Headers = { Authorization = new("Bearer", token) } };
        return (await server.Client.SendAsync(request, Token)).StatusCode;
    }
}
