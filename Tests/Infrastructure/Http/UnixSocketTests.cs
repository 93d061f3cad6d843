using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;

namespace Profiles.Tests.Infrastructure.Http;

/// <summary>A proxy such as nginx connects over a Unix socket, so the connection itself has no address.</summary>
// Independent of the database, so it runs on one engine only.
[Trait("Database", "Sqlite")]
public sealed class UnixSocketTests
{
    static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory, Trait("Needs", "Process")]
    // The client is the last forwarded address that is not a trusted proxy.
    [InlineData("unix", "203.0.113.0/24")]
    [InlineData("10.0.0.0/8", null)]
    public async Task The_client_address_is_known_only_when_the_socket_is_trusted(string trusted, string? network)
    {
        // At most 108 bytes, the system's limit for a socket path.
        var socket = Path.Combine(TemporaryDirectory.Make("s"), "s");
        await using var server = ServerProcess.Begin(("ASPNETCORE_URLS", $"http://unix:{socket}"),
            ("PublicBaseUrl", "https://profiles.example"), ("TrustedProxies", trusted));
        using var client = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (_, ct) =>
            {
                var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket), ct);
                return new NetworkStream(connection, ownsSocket: true);
            },
        })
        { BaseAddress = new("http://profiles.example") };
        for (var patience = 0; patience < 600 && !await IsReadyAsync(client); patience++)
            await Task.Delay(100, Token);

        var john = new { name = "John", email = "john@example.com", password = "plum-tram-94" };
        await (await client.PostAsJsonAsync("/register", john, Token)).ShouldBeAsync(HttpStatusCode.Created);
        client.DefaultRequestHeaders.Add("X-Forwarded-For", "198.51.100.7, 203.0.113.9");
        var login = await (await client.PostAsJsonAsync("/login", john, Token)).ShouldBeAsync(HttpStatusCode.OK);
        client.DefaultRequestHeaders.Authorization = new("Bearer", login.GetProperty("access_token").GetString());
        var events = await (await client.GetAsync("/me/security-events", Token)).ShouldBeAsync(HttpStatusCode.OK);
        events.GetProperty("events").EnumerateArray().First(e => e.GetProperty("kind").GetString() == "logged_in")
            .GetProperty("network").GetString().ShouldBe(network);
    }

    static async Task<bool> IsReadyAsync(HttpClient client)
    {
        try
        {
            return (await client.GetAsync("/health/ready", Token)).StatusCode == HttpStatusCode.OK;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
