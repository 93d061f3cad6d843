using System.Net;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.IdentityModel.Tokens;
using Profiles.Infrastructure.Identities;

namespace Profiles.Tests.Infrastructure.Identities;

/// <summary>Issuers of its own for each test, which rotate keys, lie, stall and fail.</summary>
public sealed class ProviderKeysFixture : IdentitiesFixture
{
    public static readonly string[] Names = ["rotating", "flooded", "lying", "failing", "stalling", "gone", "nameless"];

    protected override void ConfigureApp(IWebHostBuilder a)
    {
        base.ConfigureApp(a);
        foreach (var name in Names)
        {
            a.UseSetting($"Identities:Providers:{name}:Issuer", Issuer.AddressOf(name));
            a.UseSetting($"Identities:Providers:{name}:Audiences", IssuerServer.Audience);
        }
    }
}

/// <summary>The keys of the providers, when they change and when they cannot be had.</summary>
public sealed class ProviderKeysTests(ProviderKeysFixture app) : TestBase<ProviderKeysFixture>
{
    protected override ValueTask TearDownAsync()
    {
        app.Clock.Reset();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task New_keys_are_read_with_the_first_token_of_them_and_old_ones_count_no_more()
    {
        await ShouldBeAsync("rotating", HttpStatusCode.OK);
        var old = app.Issuer.KeyOf("rotating");
        for (var i = 2; i < 4; i++)
        {
            app.Issuer.Rotate("rotating");
            app.Clock.Advance(ProviderKeys.Pause);
            await ShouldBeAsync("rotating", HttpStatusCode.OK);
            app.Issuer.QuestionsTo("rotating").ShouldBe(i);
        }
        var claims = app.Issuer.Claims("rotating", "s", "n", app.Clock.GetUtcNow());
        await (await app.LogInAsync(new("rotating", "s", IssuerServer.Sign(claims, old, SecurityAlgorithms.RsaSha256), "n")))
            .ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task A_flood_of_unknown_keys_is_one_question_in_half_a_minute()
    {
        await ShouldBeAsync("flooded", HttpStatusCode.OK);
        for (var round = 1; round < 3; round++)
        {
            app.Clock.Advance(ProviderKeys.Pause);
            var flood = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ =>
            {
                var claims = app.Issuer.Claims("flooded", "s", "n", app.Clock.GetUtcNow());
                var token = IssuerServer.Sign(claims, IssuerServer.NewEc(), SecurityAlgorithms.EcdsaSha256);
                return app.LogInAsync(new("flooded", "s", token, "n"));
            }));
            flood.ShouldAllBe(a => a.StatusCode == HttpStatusCode.Unauthorized);
            app.Issuer.QuestionsTo("flooded").ShouldBe(1 + round);
        }
        await ShouldBeAsync("flooded", HttpStatusCode.OK);
    }

    [Fact]
    public async Task Metadata_of_another_issuer_is_not_believed()
    {
        Lie(app.Issuer.AddressOf("honest"), $"{app.Issuer.AddressOf("lying")}/keys");
        await ShouldBeAsync("lying", HttpStatusCode.ServiceUnavailable);
        app.Clock.Advance(ProviderKeys.Pause);
        // Keys from where nobody may ask.
        Lie(app.Issuer.AddressOf("lying"), "http://192.0.2.1/keys");
        await ShouldBeAsync("lying", HttpStatusCode.ServiceUnavailable);
        app.Issuer.On.Clear();
        // Not asked again at once.
        await ShouldBeAsync("lying", HttpStatusCode.ServiceUnavailable);
        app.Clock.Advance(ProviderKeys.Pause);
        await ShouldBeAsync("lying", HttpStatusCode.OK);

        void Lie(string issuer, string keys) => app.Issuer.On["/lying/.well-known/openid-configuration"] = (call, ct) =>
            call.Response.WriteAsJsonAsync(new Dictionary<string, string> { ["issuer"] = issuer, ["jwks_uri"] = keys }, ct);
    }

    [Fact]
    public async Task Errors_floods_of_bytes_redirects_and_garbage_are_answered_503()
    {
        Func<HttpContext, CancellationToken, Task>[] failures =
        [
            (call, _) => Task.FromResult(call.Response.StatusCode = 500),
            (call, ct) => call.Response.WriteAsync("<html>garbage</html>", ct),
            (call, ct) => call.Response.WriteAsync("{\"keys\":[{\"kty\":\"RSA\",\"n\":5}]}", ct),
            async (call, ct) =>
            {
                for (var i = 0; i < 50; i++)
                    await call.Response.Body.WriteAsync(new byte[1024 * 1024], ct);
            },
            (call, _) =>
            {
                call.Response.Redirect($"{app.Issuer.AddressOf("company")}/keys");
                return Task.CompletedTask;
            },
            (call, _) =>
            {
                call.Abort();
                return Task.CompletedTask;
            },
        ];
        foreach (var failure in failures)
        {
            app.Issuer.On["/failing/keys"] = failure;
            await ShouldBeAsync("failing", HttpStatusCode.ServiceUnavailable, HttpStatusCode.Unauthorized);
            app.Clock.Advance(ProviderKeys.Pause);
        }
        app.Issuer.On.TryRemove("/failing/keys", out _);
        await ShouldBeAsync("failing", HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_provider_that_stalls_is_waited_for_once_by_all()
    {
        var questions = 0;
        app.Issuer.On["/stalling/keys"] = (_, ct) =>
        {
            Interlocked.Increment(ref questions);
            return Task.Delay(Timeout.Infinite, ct);
        };
        var all = Task.WhenAll(Enumerable.Range(0, 10).Select(_ => ShouldBeAsync("stalling", HttpStatusCode.ServiceUnavailable)));
        // Others do not wait.
        await ShouldBeAsync("company", HttpStatusCode.OK);
        await all;
        questions.ShouldBe(1);
    }

    [Fact]
    public async Task Keys_outlive_their_provider_for_a_day()
    {
        await ShouldBeAsync("gone", HttpStatusCode.OK);
        app.Issuer.On["/gone/.well-known/openid-configuration"] = (call, _) => Task.FromResult(call.Response.StatusCode = 500);
        app.Clock.Advance(ProviderKeys.Usable - TimeSpan.FromMinutes(1));
        await ShouldBeAsync("gone", HttpStatusCode.OK);
        app.Clock.Advance(TimeSpan.FromMinutes(2));
        await ShouldBeAsync("gone", HttpStatusCode.ServiceUnavailable);
    }

    [Fact]
    public async Task A_token_that_names_no_key_is_of_the_only_one()
    {
        var key = IssuerServer.NewEc();
        var found = JsonWebKeyConverter.ConvertFromECDsaSecurityKey(key);
        var own = System.Text.Json.JsonSerializer.Serialize(
            new { keys = new[] { new { kty = "EC", crv = found.Crv, x = found.X, y = found.Y } } });
        app.Issuer.On["/nameless/keys"] = (call, ct) => call.Response.WriteAsync(own, ct);
        var claims = app.Issuer.Claims("nameless", "s", "n", app.Clock.GetUtcNow());
        var nameless = new ECDsaSecurityKey(key.ECDsa);
        await (await app.LogInAsync(new("nameless", "s", IssuerServer.Sign(claims, nameless, SecurityAlgorithms.EcdsaSha256), "n")))
            .ShouldBeAsync(HttpStatusCode.OK);
    }

    async Task ShouldBeAsync(string provider, params HttpStatusCode[] expected)
    {
        var answer = await app.LogInAsync(app.TokenOf(provider));
        expected.ShouldContain(answer.StatusCode);
        if (answer.StatusCode != HttpStatusCode.ServiceUnavailable)
            return;
        answer.Headers.RetryAfter.ShouldNotBeNull();
        (await answer.ShouldBeProblemAsync(HttpStatusCode.ServiceUnavailable)).GetRawText().ShouldNotContain("127.0.0.1");
    }
}
