using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;

namespace Profiles.Tests.Infrastructure.Settings;

/// <summary>A service without settings in an empty directory, started when a test first needs it. Only one test writes to it.</summary>
public sealed class FreshServer : IAsyncDisposable
{
    readonly Lazy<Task<ServerProcess>> process = new(() => ServerProcess.StartAsync());

    public Task<ServerProcess> StartedAsync() => process.Value;

    public async ValueTask DisposeAsync()
    {
        if (process.IsValueCreated)
            await (await process.Value).DisposeAsync();
    }
}

/// <summary>What a first start creates and what later starts keep.</summary>
[Trait("Needs", "Process")]
public sealed class StartTests(FreshServer fresh) : IClassFixture<FreshServer>
{
    const string OldKey = "the-old-key-K3v9QmT5xZr7Wp1LbY8s";
    const string NewKey = "the-new-key-H6nD2fJc4GtR0uVaE7iM";
    const UnixFileMode OwnerOnlyFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    const UnixFileMode OwnerOnlyDirectory = OwnerOnlyFile | UnixFileMode.UserExecute;

    static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact, Trait("Database", "Sqlite")]
    public async Task No_file_is_watched()
    {
        var open = new LinuxProcess((await fresh.StartedAsync()).ProcessId).Descriptors;
        open.ShouldContain(d => d.StartsWith("socket:", StringComparison.Ordinal));
        open.ShouldNotContain("anon_inode:inotify");
    }

    [Fact, Trait("Database", "Sqlite")]
    public async Task A_fresh_database_has_no_users_and_the_files_are_private()
    {
        var server = await fresh.StartedAsync();
        foreach (var (email, password) in new[] { ("admin@example.com", "admin"), ("john@example.com", "12345"),
            ("admin@localhost.local", "password") })
            await (await server.Client.PostAsJsonAsync("/login", new { email, password }, Token))
                .ShouldBeProblemAsync(HttpStatusCode.Unauthorized);

        server.Output.Split('\n').Count(l => l.Contains("Mail__Host is not set")).ShouldBe(1, "Said once: nobody gets the mails.");
        // The first registered user is the first user.
        var (id, token) = await JoinAsync(server);
        id.ShouldBe(1);
        await (await UploadAsync(server, token)).ShouldBeAsync(HttpStatusCode.OK);
        var files = Directory.GetFiles(server.Directory, "*", SearchOption.AllDirectories)
            .ToDictionary(f => Path.GetRelativePath(server.Directory, f), File.GetUnixFileMode);
        foreach (var expected in new[]
            { "data/profiles.db", "data/profiles.db-wal", "data/signing.key", "data/signing-keys.json", "static/profile/1.jpg" })
            files.Keys.ShouldContain(expected);
        files.Where(f => f.Value != OwnerOnlyFile).ShouldBeEmpty();
        var directories = Directory.GetDirectories(server.Directory, "*", SearchOption.AllDirectories)
            .ToDictionary(d => Path.GetRelativePath(server.Directory, d), File.GetUnixFileMode);
        // The first mail may already be written.
        directories.Keys.Where(d => d != "data/mail").Order().ShouldBe(["data", "static", "static/profile"]);
        directories.Where(d => d.Value != OwnerOnlyDirectory).ShouldBeEmpty();
    }

    [Fact, Trait("Database", "Sqlite")]
    public async Task The_signing_key_of_the_first_start_is_kept()
    {
        var data = TemporaryDirectory.Make("data");
        string token;
        await using (var first = await ServerProcess.StartAsync(("DataDirectory", data)))
            token = (await JoinAsync(first)).Token;
        var key = await File.ReadAllTextAsync(Path.Combine(data, "signing.key"), Token);
        key.Length.ShouldBeGreaterThanOrEqualTo(32);

        await using var second = await ServerProcess.StartAsync(("DataDirectory", data));
        (await StatusAsync(second, token)).ShouldBe(HttpStatusCode.OK);
        (await File.ReadAllTextAsync(Path.Combine(data, "signing.key"), Token)).ShouldBe(key);
        var other = await fresh.StartedAsync();
        (await File.ReadAllTextAsync(Path.Combine(other.Directory, "data", "signing.key"), Token)).ShouldNotBe(key);
    }

    [Fact]
    public async Task Tokens_of_the_previous_key_are_valid_while_it_is_configured_and_new_ones_use_the_current_key()
    {
        var data = TemporaryDirectory.Make("data");
        string old, renewed;
        await using (var before = await ServerProcess.StartAsync(("DataDirectory", data), ("Jwt__SigningKey", OldKey)))
            old = (await JoinAsync(before)).Token;
        File.Exists(Path.Combine(data, "signing.key")).ShouldBeFalse();
        await using (var during =
            await ServerProcess.StartAsync(("DataDirectory", data), ("Jwt__SigningKey", NewKey), ("Jwt__PreviousSigningKey", OldKey)))
        {
            (await StatusAsync(during, old)).ShouldBe(HttpStatusCode.OK);
            renewed = await LoginAsync(during);
        }

        await using var after = await ServerProcess.StartAsync(("DataDirectory", data), ("Jwt__SigningKey", NewKey));
        (await StatusAsync(after, old)).ShouldBe(HttpStatusCode.Unauthorized);
        (await StatusAsync(after, renewed)).ShouldBe(HttpStatusCode.OK);
    }

    // Independent of the database, so it runs on one engine only.
    [Fact, Trait("Database", "Sqlite")]
    public async Task The_document_and_the_explorer_can_be_disabled()
    {
        string[] paths = ["/openapi/v1.json", "/swagger", "/swagger/index.html", "/"];
        var with = await fresh.StartedAsync();
        foreach (var path in paths)
            ((int)(await with.Client.GetAsync(path, Token)).StatusCode).ShouldBeLessThan(400, path);

        await using var without = await ServerProcess.StartAsync(("OpenApi__Enabled", "false"));
        foreach (var path in paths)
            await (await without.Client.GetAsync(path, Token)).ShouldBeProblemAsync(HttpStatusCode.NotFound);
    }

    static async Task<(long Id, string Token)> JoinAsync(ServerProcess server)
    {
        var registered = await server.Client.PostAsJsonAsync("/register",
            new { name = "John", email = "john@example.com", password = "plum-tram-94" }, Token);
        return ((await registered.ShouldBeAsync(HttpStatusCode.Created)).GetProperty("id").GetInt64(), await LoginAsync(server));
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

    static async Task<HttpResponseMessage> UploadAsync(ServerProcess server, string token)
    {
        var image =
            new ByteArrayContent(await File.ReadAllBytesAsync(Path.Combine(AppContext.BaseDirectory, "Images", "animated.gif"), Token));
        image.Headers.ContentType = new MediaTypeHeaderValue("image/gif");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/me/upload-image")
        {
            Headers = { Authorization = new("Bearer", token) },
            Content = new MultipartFormDataContent { { image, "image", "me.gif" } },
        };
        return await server.Client.SendAsync(request, Token);
    }
}
