using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;

namespace Profiles.Tests.Infrastructure.Tokens;

/// <summary>
/// Another service verifies tokens with npm's <c>jose</c>, by nothing but the address of the keys, while the keys are rotated.
/// </summary>
[Trait("Needs", "Process")]
public sealed class TokenVerifierTests
{
    static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_verifies_before_during_and_after_a_rotation_and_nobody_is_logged_out()
    {
        var npm = await NpmProject.InstallAsync("token-verifier", "Jose");
        await npm.RunAsync("node", "--version");
        var data = TemporaryDirectory.Make("verified");
        (string, string)[] settings = [("DataDirectory", data)];
        await using var server = await ServerProcess.StartAsync(settings);
        // A second instance where there can be one: it makes the rotation, and the first one follows.
        await using var other = TestDatabase.IsPostgreSql ? await ServerProcess.StartAsync(settings) : null;
        using var verifier = Process.Start(new ProcessStartInfo("node", ["verify.js", $"{server.Address}.well-known/jwks.json"])
        {
            WorkingDirectory = npm.Directory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        try
        {
            (await server.Client.PostAsJsonAsync("/register", Person, Token)).EnsureSuccessStatusCode();
            var login = await server.Client.PostAsJsonAsync("/login", Person, Token);
            var (first, refresh) = await TokensAsync(login);
            var tokens = new List<string> { first };
            (await AskAsync(verifier, tokens[0])).ShouldStartWith("1 ");
            for (var rotation = 0; rotation < 2; rotation++)
            {
                var (exitCode, output) = await ServerProcess.CommandAsync(["keys", "rotate", "--force"], settings);
                exitCode.ShouldBe(0, output);
                (var next, refresh) = await RotatedAsync(other ?? server, refresh, tokens[^1]);
                tokens.Add(next);
                foreach (var token in tokens)
                {
                    (await AskAsync(verifier, token)).ShouldBe($"1 {RingForgery.KeyId(token)}");
                    foreach (var instance in new[] { server, other }.OfType<ServerProcess>())
                        (await StatusAsync(instance, token)).ShouldBe(HttpStatusCode.OK);
                }
            }
            tokens.Select(RingForgery.KeyId).Distinct().Count().ShouldBe(3);
            (await AskAsync(verifier, tokens[0][..^4] + "AAAA")).ShouldBe("ERR_JWS_SIGNATURE_VERIFICATION_FAILED");
        }
        finally
        {
            verifier.Kill();
        }
    }

    static object Person => new { name = "John", email = "john@example.com", password = "plum-tram-94" };

    // The service follows the command within half a minute. Refreshing stays in one session, of which a user has a limited number.
    static async Task<(string Access, string Refresh)> RotatedAsync(ServerProcess server, string refresh, string old)
    {
        var waited = Stopwatch.StartNew();
        while (true)
        {
            (var access, refresh) = await TokensAsync(
                await server.Client.PostAsJsonAsync("/token/refresh", new { refresh_token = refresh }, Token));
            if (RingForgery.KeyId(access) != RingForgery.KeyId(old))
                return (access, refresh);
            waited.Elapsed.ShouldBeLessThan(TimeSpan.FromMinutes(1));
            await Task.Delay(TimeSpan.FromSeconds(1), Token);
        }
    }

    static async Task<string> AskAsync(Process verifier, string token)
    {
        await verifier.StandardInput.WriteLineAsync(token.AsMemory(), Token);
        await verifier.StandardInput.FlushAsync(Token);
        return (await verifier.StandardOutput.ReadLineAsync(Token))!;
    }

    static async Task<(string Access, string Refresh)> TokensAsync(HttpResponseMessage answer)
    {
        var tokens = await answer.ShouldBeAsync(HttpStatusCode.OK);
        return (tokens.GetProperty("access_token").GetString()!, tokens.GetProperty("refresh_token").GetString()!);
    }

    static async Task<HttpStatusCode> StatusAsync(ServerProcess server, string token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/me") { Headers = { Authorization = new("Bearer", token) } };
        return (await server.Client.SendAsync(request, Token)).StatusCode;
    }
}
