using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;

namespace Profiles.Tests.Features.RefreshToken;

/// <summary>A client on a bad network: a proxy before the real server loses requests and answers.</summary>
[Trait("Database", "Sqlite")]
[Trait("Needs", "Process")]
public sealed class RefreshOnBadNetworkTests(ITestOutputHelper output)
{
    static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_thousand_refreshes_on_a_connection_that_loses_answers_never_lose_the_session()
    {
        await using var server = await ServerProcess.StartAsync();
        var (email, password) = ("john@example.com", "correct horse battery staple");
        await (await server.Client.PostAsJsonAsync("/register", new { name = "John", email, password }, Token))
            .ShouldBeAsync(HttpStatusCode.Created);
        var login = await (await server.Client.PostAsJsonAsync("/login", new { email, password }, Token)).ShouldBeAsync(HttpStatusCode.OK);
        var (access, refresh) = ("", login.GetProperty("refresh_token").GetString()!);

        await using var line = new LossyProxy(server.Address.Port);
        using var client = new HttpClient(new DocumentedAnswers { InnerHandler = new SocketsHttpHandler() })
        {
            BaseAddress = new($"http://127.0.0.1:{line.Port}"),
            DefaultRequestHeaders = { ConnectionClose = true },
        };
        var (done, lost) = (0, 0);
        while (done < 1000)
        {
            HttpResponseMessage answer;
            try
            {
                answer = await client.PostAsJsonAsync("/token/refresh", new { refresh_token = refresh }, Token);
            }
            catch (HttpRequestException)
            {
                lost++;
                continue;
            }
            var tokens = await answer.ShouldBeAsync(HttpStatusCode.OK);
            (access, refresh) = (tokens.GetProperty("access_token").GetString()!, tokens.GetProperty("refresh_token").GetString()!);
            done++;
        }
        lost.ShouldBeGreaterThan(200);
        line.AnswersLost.ShouldBeGreaterThan(100);
        server.Client.DefaultRequestHeaders.Authorization = new("Bearer", access);
        var sessions = await (await server.Client.GetAsync("/me/sessions", Token)).ShouldBeAsync(HttpStatusCode.OK);
        sessions.GetProperty("sessions").GetArrayLength().ShouldBe(1);
        output.WriteLine($"{done} refreshes, {lost} attempts lost, {line.AnswersLost} of them after the server had answered: one session.");
    }

    // Handles one request a connection. Of ten, it loses one request and two answers.
    sealed class LossyProxy : IAsyncDisposable
    {
        readonly TcpListener listener = new(IPAddress.Loopback, 0);
        readonly CancellationTokenSource end = new();
        readonly int server;
        readonly Task running;
        int connections;

        public LossyProxy(int server)
        {
            this.server = server;
            listener.Start();
            running = RunAsync();
        }

        public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

        public int AnswersLost { get; private set; }

        public async ValueTask DisposeAsync()
        {
            await end.CancelAsync();
            await running;
            listener.Stop();
            end.Dispose();
        }

        async Task RunAsync()
        {
            try
            {
                while (true)
                {
                    using var client = await listener.AcceptTcpClientAsync(end.Token);
                    await ServeAsync(client.GetStream(), connections++ % 10);
                }
            }
            catch (OperationCanceledException)
            {
                // The test has ended.
            }
        }

        async Task ServeAsync(NetworkStream client, int fate)
        {
            var buffer = new byte[16 * 1024];
            var read = await client.ReadAsync(buffer, end.Token);
            if (fate == 3)
                return;
            using var upstream = new TcpClient();
            await upstream.ConnectAsync(IPAddress.Loopback, server, end.Token);
            await upstream.GetStream().WriteAsync(buffer.AsMemory(0, read), end.Token);
            // Headers and body may arrive separately.
            while (!Whole(buffer.AsSpan(0, read)))
            {
                var more = await client.ReadAsync(buffer.AsMemory(read), end.Token);
                await upstream.GetStream().WriteAsync(buffer.AsMemory(read, more), end.Token);
                read += more;
            }
            using var answer = new MemoryStream();
            await upstream.GetStream().CopyToAsync(answer, end.Token);
            if (fate is 5 or 6)
            {
                AnswersLost++;
                return;
            }
            await client.WriteAsync(answer.ToArray(), end.Token);
        }

        static bool Whole(ReadOnlySpan<byte> request) => request is [.., (byte)'}'] || request.EndsWith("0\r\n\r\n"u8);
    }
}
