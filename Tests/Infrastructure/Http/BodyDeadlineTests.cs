using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Profiles.Tests.Infrastructure.Http;

/// <summary>A server that waits at most three seconds for a body, and has memory for two uploads.</summary>
public sealed class HastyServer : IAsyncLifetime
{
    public const int MaxBytes = 1_000_000;

    public ServerProcess Process { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Process = await ServerProcess.StartAsync(
        ("BodyTimeout", "00:00:03"), ("Images__UploadTimeout", "00:00:03"), ("Images__MaxBytes", $"{MaxBytes}"),
        ("Images__UploadMemory", $"{MaxBytes + (1024 * 1024)}"));

    public ValueTask DisposeAsync() => Process.DisposeAsync();
}

/// <summary>Requests whose bodies stall end with 408. (The in-process test server does not model half a body.)</summary>
// Independent of the database, so it runs on one engine only.
[Trait("Database", "Sqlite")]
[Trait("Needs", "Process")]
public sealed class BodyDeadlineTests(HastyServer server) : IClassFixture<HastyServer>
{
    const int MaxBytes = HastyServer.MaxBytes;

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_body_that_does_not_arrive_in_time_is_408_in_every_reader()
    {
        var answers = await Task.WhenAll(
            StallAsync("/login", "application/json", """{"email":"""),
            // With an Idempotency-Key the body is read before the endpoint.
            StallAsync("/register", "application/json\r\nIdempotency-Key: stalled", """{"name":"""),
            StallAsync("/account/deletion", "application/x-www-form-urlencoded", "email="));
        foreach (var answer in answers)
            answer.ShouldSatisfyAllConditions(a => a.ShouldStartWith("HTTP/1.1 408"), a => a.ShouldContain("application/problem+json"),
                a => a.ShouldContain("request_timeout"));
    }

    [Fact]
    public async Task Uploads_that_do_not_arrive_in_time_are_408_and_release_their_memory()
    {
        using var user = await ServerUser.SignUpAsync(server.Process, Ct);
        var form = "--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"x.jpg\"\r\n\r\n" + new string('x', 900_000);
        var type = $"multipart/form-data; boundary=b\r\nAuthorization: {user.Client.DefaultRequestHeaders.Authorization}";
        var answers = await Task.WhenAll(StallAsync("/me/upload-image", type, form), StallAsync("/me/upload-image", type, form));
        answers.ShouldAllBe(a => a.StartsWith("HTTP/1.1 408"));
        var upright = TestImage.Bytes("upright.jpg");
        await user.Client.UploadForUrlAsync([.. upright, .. new byte[MaxBytes - upright.Length]], Ct);
    }

    // Sends the beginning of a body and returns the answer.
    async Task<string> StallAsync(string path, string type, string beginning)
    {
        using var connection = new TcpClient();
        await connection.ConnectAsync(server.Process.Address.Host, server.Process.Address.Port, Ct);
        var length = (beginning.Length + 10).ToString(CultureInfo.InvariantCulture);
        var head = $"POST {path} HTTP/1.1\r\nHost: {server.Process.Address.Authority}\r\n"
            + $"Content-Length: {length}\r\nContent-Type: {type}\r\n\r\n";
        await connection.GetStream().WriteAsync(Encoding.ASCII.GetBytes(head + beginning), Ct);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        patience.CancelAfter(TimeSpan.FromSeconds(20));
        using var answer = new StreamReader(connection.GetStream());
        var buffer = new char[4096];
        var read = await answer.ReadAsync(buffer, patience.Token);
        // The answer's body may arrive separately.
        return new string(buffer, 0, read) + (read > 0 && new string(buffer, 0, read).Contains('{', StringComparison.Ordinal)
            ? ""
            : new string(buffer, 0, await answer.ReadAsync(buffer, patience.Token)));
    }
}
