using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;

namespace Profiles.Tests.Infrastructure.Idempotency;

/// <summary>Idempotency keys and limits on a server process, where clients can lose connections.</summary>
[Collection(nameof(Alone))]
[Trait("Needs", "Process")]
public sealed class IdempotencyServerTests
{
    const string Password = "correct horse battery staple";

    static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_lost_answer_concurrent_retries_and_a_large_image_have_one_effect_each_and_a_guesser_is_refused()
    {
        // Slow password hashes, so that requests overlap.
        await using var server = await ServerProcess.StartAsync(("Passwords__WorkFactor", "13"), ("Limits__Enabled", "true"));
        await RetryConcurrentlyAsync(server);
        await LoseTheAnswerAsync(server);
        using var user = await ServerUser.SignUpAsync(server, Token);
        await UploadTwiceAsync(user);
        await GuessAsync(server);
    }

    static async Task LoseTheAnswerAsync(ServerProcess server)
    {
        var body = Registration();
        using (var client = new TcpClient())
        {
            await client.ConnectAsync(server.Address.Host, server.Address.Port, Token);
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(
                $"POST /register HTTP/1.1\r\nHost: {server.Address.Authority}\r\nContent-Type: application/json\r\n"
                    + $"Idempotency-Key: lost\r\nContent-Length: {body.Length}\r\n\r\n{body}"), Token);
            await Task.Delay(50, Token);
            (await SendAsync(server, "lost", body)).StatusCode.ShouldBe(HttpStatusCode.Conflict);
        }
        var (answer, _) = await RetryAsync(server, "lost", body);
        answer.Headers.GetValues("Idempotency-Replayed").ShouldBe(["true"]);
        (await answer.ShouldBeAsync(HttpStatusCode.Created)).GetProperty("id").GetInt64().ShouldBe(2);
    }

    static async Task RetryConcurrentlyAsync(ServerProcess server)
    {
        var body = Registration();
        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => RetryAsync(server, "concurrent", body)));
        foreach (var (answer, _) in answers)
            (await answer.ShouldBeAsync(HttpStatusCode.Created)).GetProperty("id").GetInt64().ShouldBe(1);
        answers.Sum(a => a.Waits).ShouldBeGreaterThan(10);
    }

    static async Task UploadTwiceAsync(ServerUser user)
    {
        // Larger than the limit for JSON, because of a chunk that decoders skip.
        var small = TestImage.Png(40, 30, 200, 100, 50);
        byte[] image = [.. small[..33], .. TestImage.Chunk("prVt", new byte[100_000]), .. small[33..]];
        user.Client.DefaultRequestHeaders.Add("Idempotency-Key", "image");
        var first = await (await user.Client.UploadAsync(image, Token)).ShouldBeAsync(HttpStatusCode.OK);
        var again = await user.Client.UploadAsync(image, Token);
        again.Headers.GetValues("Idempotency-Replayed").ShouldBe(["true"]);
        (await again.ShouldBeAsync(HttpStatusCode.OK)).GetRawText().ShouldBe(first.GetRawText());
        await (await user.Client.UploadAsync([.. image, 0], Token)).ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity);
        user.Client.DefaultRequestHeaders.Remove("Idempotency-Key");
        user.Client.DefaultRequestHeaders.Add("Idempotency-Key", "long");
        await (await user.Client.PutAsJsonAsync("/me", new { name = new string('x', 70_000) }, Token))
            .ShouldBeProblemAsync(HttpStatusCode.RequestEntityTooLarge);
    }

    // There are no trusted proxies, so the guesser's own header is ignored.
    static async Task GuessAsync(ServerProcess server)
    {
        for (var i = 0; i < 6; i++)
        {
            var body = JsonContent.Create(new { email = "somebody@example.com", password = "wrong password" });
            var message = new HttpRequestMessage(HttpMethod.Post, "/login") { Content = body };
            message.Headers.Add("X-Forwarded-For", $"198.51.100.{i}");
            var answer = await server.Client.SendAsync(message, Token);
            await answer.ShouldBeProblemAsync(i < 5 ? HttpStatusCode.Unauthorized : HttpStatusCode.TooManyRequests);
        }
        server.Output.ShouldContain("TrustedProxies");
        server.Output.ShouldNotContain("198.51.100");
    }

    static string Registration() => $$"""{"name":"John","email":"{{Guid.NewGuid():N}}@example.com","password":"{{Password}}"}""";

    static Task<HttpResponseMessage> SendAsync(ServerProcess server, string key, string body)
    {
        var message =
            new HttpRequestMessage(HttpMethod.Post, "/register") { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        message.Headers.Add("Idempotency-Key", key);
        return server.Client.SendAsync(message, Token);
    }

    // Retries like a client until the first request has ended. On a busy machine fifty requests may exceed the database's connections.
    static async Task<(HttpResponseMessage Answer, int Waits)> RetryAsync(ServerProcess server, string key, string body)
    {
        for (var waits = 0; ; waits++)
        {
            var answer = await SendAsync(server, key, body);
            if (answer.StatusCode is not (HttpStatusCode.Conflict or HttpStatusCode.ServiceUnavailable))
                return (answer, waits);
            answer.Headers.RetryAfter!.Delta!.Value.ShouldBeGreaterThan(TimeSpan.Zero);
            await Task.Delay(100, Token);
        }
    }
}
