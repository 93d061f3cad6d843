using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;

namespace Profiles.Tests.Features.UploadImage;

/// <summary>A real server with a small limit and a temporary directory of its own.</summary>
public sealed class UploadImageServer : IAsyncLifetime
{
    public const int MaxBytes = 1_000_000;

    public ServerProcess Process { get; private set; } = null!;

    public string Temporary { get; } = TemporaryDirectory.Make("tmp");

    public async ValueTask InitializeAsync() =>
        Process = await ServerProcess.StartAsync(("Images__MaxBytes", $"{MaxBytes}"), ("TMPDIR", Temporary));

    public async ValueTask DisposeAsync()
    {
        await Process.DisposeAsync();
        Directory.Delete(Temporary, recursive: true);
    }
}

/// <summary>
/// Uploads over a real connection to a real server: some are refused before they are read, and none is written to a temporary file.
/// </summary>
[Trait("Database", "Sqlite")]
[Trait("Needs", "Process")]
public sealed class UploadImageServerTests(UploadImageServer server) : IClassFixture<UploadImageServer>, IAsyncLifetime
{
    const int MaxBytes = UploadImageServer.MaxBytes;

    readonly HttpClient client =
        new(new DocumentedAnswers { InnerHandler = new SocketsHttpHandler() }) { BaseAddress = server.Process.Address };
    string token = "";
    string file = "";

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var (email, password) = ($"{Guid.NewGuid():N}@example.com", "correct horse battery staple");
        var registered = await (await client.PostAsJsonAsync("/register", new { name = "John", email, password }, Ct))
            .ShouldBeAsync(HttpStatusCode.Created);
        file = Path.Combine(server.Process.Directory, "static", "profile", $"{registered.GetProperty("id").GetInt64()}.jpg");
        var login = await (await client.PostAsJsonAsync("/login", new { email, password }, Ct)).ShouldBeAsync(HttpStatusCode.OK);
        token = login.GetProperty("access_token").GetString()!;
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
    }

    public ValueTask DisposeAsync()
    {
        client.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task An_image_is_stored_readable_by_its_owner_alone_and_loads()
    {
        var url = await client.UploadForUrlAsync(TestImage.Bytes("upright.jpg"), Ct);
        url.ShouldStartWith($"{server.Process.Address}static/profile/{Path.GetFileName(file)}?v=");
        Jpeg.Read(await client.GetByteArrayAsync(url, Ct)).Width.ShouldBe(320);
        File.GetUnixFileMode(file).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    [Fact]
    public async Task A_length_above_the_limit_is_413_before_any_byte_of_the_body()
    {
        using var connection = await ConnectAsync($"Content-Length: {MaxBytes * 10}");
        (await AnswerAsync(connection))
            .ShouldSatisfyAllConditions(a => a.ShouldStartWith("HTTP/1.1 413"), a => a.ShouldContain("application/problem+json"));
    }

    [Fact]
    public async Task A_client_that_expects_100_continue_gets_413_instead()
    {
        using var refused = await ConnectAsync($"Content-Length: {MaxBytes * 10}", "Expect: 100-continue");
        (await AnswerAsync(refused))
            .ShouldSatisfyAllConditions(a => a.ShouldStartWith("HTTP/1.1 413"), a => a.ShouldNotContain("100 Continue"));

        // The server asks for a body that fits.
        using var welcome = await ConnectAsync("Content-Length: 1000", "Expect: 100-continue");
        (await AnswerAsync(welcome)).ShouldStartWith("HTTP/1.1 100");
    }

    [Fact]
    public async Task An_anonymous_client_that_expects_100_continue_gets_401_instead()
    {
        token = "x";
        using var refused = await ConnectAsync("Content-Length: 1000", "Expect: 100-continue");
        (await AnswerAsync(refused)).ShouldStartWith("HTTP/1.1 401");
    }

    [Fact]
    public async Task A_body_without_a_length_is_cut_off_just_past_the_limit()
    {
        using var connection = await ConnectAsync("Transfer-Encoding: chunked");
        var stream = connection.GetStream();
        await SendChunkAsync(stream, PartHeader);
        var answer = AnswerAsync(connection);
        var sent = 0;
        try
        {
            for (; sent < MaxBytes * 100 && !answer.IsCompleted; sent += 64 * 1024)
                await SendChunkAsync(stream, new byte[64 * 1024]);
        }
        catch (IOException)
        {
            // The server has closed the connection.
        }
        sent.ShouldBeLessThan(MaxBytes * 50);
        (await answer).ShouldStartWith("HTTP/1.1 413");
        File.Exists(file).ShouldBeFalse();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_file_of_the_limit_passes_and_one_byte_more_does_not(bool chunked)
    {
        var upright = TestImage.Bytes("upright.jpg");
        byte[] largest = [.. upright, .. new byte[MaxBytes - upright.Length]];
        (await SendAsync(largest)).StatusCode.ShouldBe(HttpStatusCode.OK);
        await (await SendAsync([.. largest, 0])).ShouldBeProblemAsync(HttpStatusCode.RequestEntityTooLarge);

        async Task<HttpResponseMessage> SendAsync(byte[] bytes)
        {
            using var form = new MultipartFormDataContent { { new ByteArrayContent(bytes), "image", "x.jpg" } };
            using var request = new HttpRequestMessage(HttpMethod.Post, "/me/upload-image") { Content = form };
            request.Headers.TransferEncodingChunked = chunked;
            return await client.SendAsync(request, Ct);
        }
    }

    [Fact]
    public async Task No_file_holds_an_image_while_it_arrives_or_after_its_sender_has_gone()
    {
        var before = Files();
        using (var connection = await ConnectAsync($"Content-Length: {MaxBytes / 2}"))
        {
            await connection.GetStream().WriteAsync((byte[])[.. PartHeader, .. new byte[MaxBytes / 3]], Ct);
            await Task.Delay(1000, Ct);
            Files().ShouldBe(before);
        }
        await client.UploadForUrlAsync(TestImage.Bytes("upright.jpg"), Ct);
        Files().Except(before).ShouldBe(TestImage.WithVariants(file), ignoreOrder: true);
    }

    [Fact]
    public async Task An_aborted_upload_leaves_nothing_and_the_next_one_is_served()
    {
        using (var connection = await ConnectAsync($"Content-Length: {MaxBytes / 2}"))
            await connection.GetStream().WriteAsync(PartHeader, Ct);
        var url = await client.UploadForUrlAsync(TestImage.Bytes("upright.jpg"), Ct);
        (await (await client.GetAsync("/me", Ct)).ShouldBeAsync(HttpStatusCode.OK)).GetProperty("image_url").GetString().ShouldBe(url);
    }

    [Fact]
    public async Task A_connection_that_stalls_for_twelve_seconds_loses_nothing()
    {
        var upright = TestImage.Bytes("upright.jpg");
        byte[] form = [.. PartHeader, .. upright, .. "\r\n--b--\r\n"u8];
        var email = $"{Guid.NewGuid():N}@example.com";
        var json = Encoding.UTF8.GetBytes($$"""{"name":"John","email":"{{email}}","password":"correct horse battery staple"}""");
        var answers = await Task.WhenAll(
            SendAsync(0, form, $"Content-Length: {form.Length}"),
            SendAsync(PartHeader.Length + 100, form, $"Content-Length: {form.Length}"),
            SendAsync(0, json, "/register", "application/json", $"Content-Length: {json.Length}"));
        answers.Select(a => a[..12]).ShouldBe(["HTTP/1.1 200", "HTTP/1.1 200", "HTTP/1.1 201"]);

        async Task<string> SendAsync(int first, byte[] body, params string[] how)
        {
            using var connection = how is [var path, var type, var length]
                ? await ConnectToAsync(path, type, length) : await ConnectAsync(how);
            await connection.GetStream().WriteAsync(body.AsMemory(0, first), Ct);
            await Task.Delay(TimeSpan.FromSeconds(12), Ct);
            await connection.GetStream().WriteAsync(body.AsMemory(first), Ct);
            return await AnswerAsync(connection);
        }
    }

    static readonly byte[] PartHeader =
        "--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"x.jpg\"\r\nContent-Type: image/jpeg\r\n\r\n"u8.ToArray();

    Task<TcpClient> ConnectAsync(params string[] headers) => ConnectToAsync("/me/upload-image", "multipart/form-data; boundary=b", headers);

    async Task<TcpClient> ConnectToAsync(string path, string type, params string[] headers)
    {
        var connection = new TcpClient();
        await connection.ConnectAsync(server.Process.Address.Host, server.Process.Address.Port, Ct);
        var head = $"POST {path} HTTP/1.1\r\nHost: {server.Process.Address.Authority}\r\nAuthorization: Bearer {token}\r\n" +
            $"Content-Type: {type}\r\n{string.Join("\r\n", headers)}\r\n\r\n";
        await connection.GetStream().WriteAsync(Encoding.ASCII.GetBytes(head), Ct);
        return connection;
    }

    static async Task SendChunkAsync(NetworkStream stream, byte[] bytes) =>
        await stream.WriteAsync((byte[])[.. Encoding.ASCII.GetBytes($"{bytes.Length.ToString("x", CultureInfo.InvariantCulture)}\r\n"),
            .. bytes, .. "\r\n"u8], Ct);

    // The server's first answer, or what has arrived after some seconds.
    static async Task<string> AnswerAsync(TcpClient connection)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        patience.CancelAfter(TimeSpan.FromSeconds(15));
        var buffer = new byte[16 * 1024];
        return Encoding.ASCII.GetString(buffer, 0, await connection.GetStream().ReadAsync(buffer, patience.Token));
    }

    // Leaves out the database's files, which come and go, and the runtime's sockets in TMPDIR.
    string[] Files() =>
        [.. new[] { server.Temporary, server.Process.Directory }
            .SelectMany(d => Directory.EnumerateFiles(d, "*", SearchOption.AllDirectories))
            .Where(f => !f.Contains("/data/mail/", StringComparison.Ordinal) &&
                !Path.GetFileName(f).StartsWith("profiles.db", StringComparison.Ordinal) &&
                !Path.GetFileName(f).StartsWith("dotnet-diagnostic", StringComparison.Ordinal) &&
                !Path.GetFileName(f).StartsWith("clr-debug", StringComparison.Ordinal))];
}
