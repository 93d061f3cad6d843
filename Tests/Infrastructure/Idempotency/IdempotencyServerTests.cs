using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;

namespace Profiles.Tests.Infrastructure.Idempotency;

/// <summary>Keys and limits on a real server, to which clients have connections that they can lose.</summary>
[Collection(nameof(Alone))]
[Trait("Needs", "Process")]
public sealed class IdempotencyServerTests
{
    const string Password = "correct horse battery staple";

    static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_lost_reply_a_hurry_and_a_large_picture_have_one_effect_each_and_a_guesser_is_refused()
    {
        // Hashes that take their time.
        await using var server = await ServerProcess.StartAsync(("Passwords__WorkFactor", "13"), ("Limits__Enabled", "true"));
        await HurryAsync(server);
        await LoseTheReplyAsync(server);
        using var user = await ServerUser.SignUpAsync(server, Token);
        await SendAPictureTwiceAsync(user);
        await GuessAsync(server);
    }

    static async Task LoseTheReplyAsync(ServerProcess server)
    {
        var body = Registration();
        using (var phone = new TcpClient())
        {
            await phone.ConnectAsync(server.Address.Host, server.Address.Port, Token);
            await phone.GetStream().WriteAsync(Encoding.ASCII.GetBytes(
                $"POST /register HTTP/1.1\r\nHost: {server.Address.Authority}\r\nContent-Type: application/json\r\nIdempotency-Key: lost\r\nContent-Length: {body.Length}\r\n\r\n{body}"), Token);
            await Task.Delay(50, Token);
            (await SendAsync(server, "lost", body)).StatusCode.ShouldBe(HttpStatusCode.Conflict);
        }
        var (answer, _) = await InsistAsync(server, "lost", body);
        answer.Headers.GetValues("Idempotency-Replayed").ShouldBe(["true"]);
        (await answer.ShouldBeAsync(HttpStatusCode.Created)).GetProperty("id").GetInt64().ShouldBe(2);
    }

    static async Task HurryAsync(ServerProcess server)
    {
        var body = Registration();
        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => InsistAsync(server, "hurry", body)));
        foreach (var (answer, _) in answers)
            (await answer.ShouldBeAsync(HttpStatusCode.Created)).GetProperty("id").GetInt64().ShouldBe(1);
        answers.Sum(a => a.Waits).ShouldBeGreaterThan(10);
    }

    static async Task SendAPictureTwiceAsync(ServerUser user)
    {
        // Larger than JSON may be, by a part that no decoder looks at.
        var small = Picture.Png(40, 30, 200, 100, 50);
        byte[] picture = [.. small[..33], .. Picture.Chunk("prVt", new byte[100_000]), .. small[33..]];
        user.Client.DefaultRequestHeaders.Add("Idempotency-Key", "picture");
        var first = await (await user.Client.UploadAsync(picture, Token)).ShouldBeAsync(HttpStatusCode.OK);
        var again = await user.Client.UploadAsync(picture, Token);
        again.Headers.GetValues("Idempotency-Replayed").ShouldBe(["true"]);
        (await again.ShouldBeAsync(HttpStatusCode.OK)).GetRawText().ShouldBe(first.GetRawText());
        await (await user.Client.UploadAsync([.. picture, 0], Token)).ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity);
        user.Client.DefaultRequestHeaders.Remove("Idempotency-Key");
        user.Client.DefaultRequestHeaders.Add("Idempotency-Key", "long");
        await (await user.Client.PutAsJsonAsync("/me", new { name = new string('x', 70_000) }, Token)).ShouldBeProblemAsync(HttpStatusCode.RequestEntityTooLarge);
    }

    // Nobody is trusted: what stands in the header is the guesser's own.
    static async Task GuessAsync(ServerProcess server)
    {
        for (var i = 0; i < 6; i++)
        {
            var message = new HttpRequestMessage(HttpMethod.Post, "/login") { Content = JsonContent.Create(new { email = "somebody@example.com", password = "wrong password" }) };
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
        var message = new HttpRequestMessage(HttpMethod.Post, "/register") { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        message.Headers.Add("Idempotency-Key", key);
        return server.Client.SendAsync(message, Token);
    }

    // As a client does: until it is no longer under way. On a busy machine fifty at once may be too many for the database's connections.
    static async Task<(HttpResponseMessage Answer, int Waits)> InsistAsync(ServerProcess server, string key, string body)
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
