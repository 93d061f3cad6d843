using System.Diagnostics.Metrics;
using System.Globalization;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Hosting;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Profiles.Data;
using Profiles.Infrastructure.Admin;
using Profiles.Infrastructure.Telemetry;
using Profiles.Tests.Infrastructure.Admin;

namespace Profiles.Tests.Features.IntrospectToken;

public sealed class IntrospectTokenTests(ProfilesFixture app, IntrospectTokenTests.LimitedFixture limited)
    : TestBase<ProfilesFixture>, IClassFixture<IntrospectTokenTests.LimitedFixture>
{
    /// <summary>Three keys may be wrong, here as at the admin API.</summary>
    public sealed class LimitedFixture : AdminFixture
    {
        protected override void ConfigureApp(IWebHostBuilder a)
        {
            base.ConfigureApp(a);
            a.UseSetting("Limits:AdminKeyFailures", "3");
            a.UseSetting("Limits:IntrospectionFailures", "3");
        }
    }

    [Theory]
    [InlineData("Bearer")]
    [InlineData("bearer")]
    [InlineData("Basic")]
    [InlineData("Basic, encoded")]
    public async Task A_valid_token_is_active_and_tells_of_the_user_only_the_id(string way)
    {
        var user = await app.CreateUserAsync();
        var (name, key) = await KeyAsync(app);
        var authorization = way switch
        {
            "Basic" => Basic(name, key),
            "Basic, encoded" => Basic(Uri.EscapeDataString(name), key),
            _ => $"{way} {key}",
        };
        var response = await AskAsync(app, user.Token, authorization);
        response.Headers.CacheControl!.NoStore.ShouldBeTrue();
        var said = await response.ShouldBeAsync(HttpStatusCode.OK);
        said.Names().ShouldBe(["active", "token_type", "sub", "iss", "aud", "exp", "iat", "jti", "auth_time", "amr"], ignoreOrder: true);
        said.GetProperty("active").GetBoolean().ShouldBeTrue();
        said.GetProperty("sub").GetString().ShouldBe($"{user.Id}");
        (said.GetProperty("token_type").GetString(), said.GetProperty("iss").GetString(), said.GetProperty("aud").GetString())
            .ShouldBe(("Bearer", "profiles", "profiles"));
        (said.GetProperty("exp").GetInt64() - said.GetProperty("iat").GetInt64()).ShouldBeInRange(3599, 3601);
        said.GetProperty("jti").GetString().ShouldNotBeNullOrEmpty();
        (said.GetProperty("iat").GetInt64() - said.GetProperty("auth_time").GetInt64()).ShouldBeInRange(0, 5);
        said.GetProperty("amr").EnumerateArray().Select(m => m.GetString()).ShouldBe(["pwd"]);
    }

    [Fact]
    public async Task Any_other_token_is_inactive_and_nothing_says_why()
    {
        var (_, key) = await KeyAsync(app);
        var (ended, disabled, deleted) = (await app.CreateUserAsync(), await app.CreateUserAsync(), await app.CreateUserAsync());
        foreach (var user in new[] { ended, disabled, deleted })
            (await ActiveAsync(user.Token)).ShouldBeTrue();
        (await app.ClientFor(ended).PostAsync("/logout", null, Cancellation)).StatusCode.ShouldBe(HttpStatusCode.OK);
        await app.QueryAsync(db => db.Users.Where(u => u.Id == disabled.Id)
            .ExecuteUpdateAsync(u => u.SetProperty(x => x.DisabledAt, app.Clock.GetUtcNow().UtcDateTime)));
        await app.SentAsync(deleted.Email);
        await app.QueryAsync(db => db.Users.Where(u => u.Id == deleted.Id).ExecuteDeleteAsync());
        foreach (var token in new[]
        {
            ended.Token, disabled.Token, deleted.Token, deleted.RefreshToken, deleted.Token[..^2], "x", key, new string('x', 8000),
        })
        {
            var response = await AskAsync(app, token, $"Bearer {key}");
            response.StatusCode.ShouldBe(HttpStatusCode.OK);
            (await response.Content.ReadAsStringAsync(Cancellation)).ShouldBe("""{"active":false}""");
        }

        async Task<bool> ActiveAsync(string token) =>
            (await (await AskAsync(app, token, $"Bearer {key}")).ShouldBeAsync(HttpStatusCode.OK)).GetProperty("active").GetBoolean();
    }

    [Fact]
    public async Task Without_a_valid_key_it_is_401_with_a_challenge_and_says_nothing_of_the_token()
    {
        var user = await app.CreateUserAsync();
        var (name, key) = await KeyAsync(app);
        var (other, _) = await KeyAsync(app);
        foreach (var (authorization, scheme) in new[]
        {
            (null, "Bearer"), ("", "Bearer"), ("Bearer", "Bearer"), ($"Bearer {AdminKeys.Make().Key}", "Bearer"),
            ($"Bearer {user.Token}", "Bearer"), ($"Bearer {key[..^1]}", "Bearer"), ($"Bearer {key} x", "Bearer"),
            ($"Digest {key}", "Bearer"), (Basic(other, key), "Basic"), (Basic("", key), "Basic"), (Basic(name, ""), "Basic"),
            (Basic(name, AdminKeys.Make().Key), "Basic"),
            ("Basic ????", "Bearer"), ($"Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes(key))}", "Bearer"),
        })
        {
            var response = await AskAsync(app, user.Token, authorization);
            response.StatusCode.ShouldBe(HttpStatusCode.Unauthorized, authorization);
            response.Headers.WwwAuthenticate.ShouldHaveSingleItem().Scheme.ShouldBe(scheme, authorization);
            var body = await response.Content.ReadAsStringAsync(Cancellation);
            body.ShouldContain("\"code\":\"invalid_admin_key\"");
            body.ShouldNotContain("active");
        }
    }

    [Fact]
    public async Task A_revoked_key_is_refused_at_once_and_one_without_the_scope_is_403()
    {
        var user = await app.CreateUserAsync();
        var (name, key) = await KeyAsync(app);
        (await AskAsync(app, user.Token, $"Bearer {key}")).StatusCode.ShouldBe(HttpStatusCode.OK);
        await app.QueryAsync(db => db.AdminKeys.Where(k => k.Name == name).ExecuteDeleteAsync());
        (await AskAsync(app, user.Token, $"Bearer {key}")).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        foreach (var scopes in new[] { "", AdminScopes.UsersRead, "tokens:introspect2", "tokens:INTROSPECT" })
        {
            var response = await AskAsync(app, user.Token, $"Bearer {(await KeyAsync(app, scopes)).Key}");
            await response.ShouldBeProblemAsync(HttpStatusCode.Forbidden);
            response.Headers.WwwAuthenticate.ToString().ShouldContain("insufficient_scope");
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("token=")]
    [InlineData("token=a&token=b")]
    [InlineData("tokens=a")]
    [InlineData("a=1&b=1&c=1&d=1&e=1&f=1&g=1&h=1&i=1&j=1&k=1&token=x")]
    [InlineData("long")]
    public async Task A_form_without_one_token_is_400(string form)
    {
        var (_, key) = await KeyAsync(app);
        var content = new StringContent(
            form == "long" ? $"token={new string('x', 9000)}" : form, Encoding.UTF8, "application/x-www-form-urlencoded");
        await (await SendAsync(app, content, $"Bearer {key}")).ShouldBeProblemAsync(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task Another_media_type_is_415()
    {
        var (_, key) = await KeyAsync(app);
        var content = new StringContent("""{"token":"x"}""", Encoding.UTF8, "application/json");
        await (await SendAsync(app, content, $"Bearer {key}")).ShouldBeProblemAsync(HttpStatusCode.UnsupportedMediaType);
    }

    [Fact]
    public async Task Guesses_of_keys_are_limited_by_address_and_keep_nobody_from_the_admin_API()
    {
        var user = await limited.CreateUserAsync();
        var (_, key) = await KeyAsync(limited);
        var exceeded = 0;
        using var listener = new MeterListener();
        listener.SetMeasurementEventCallback<long>((_, _, labels, _) => exceeded += labels[0].Value is "introspection_failures" ? 1 : 0);
        listener.EnableMeasurementEvents(limited.Services.GetRequiredService<ServiceMetrics>().Limits);
        // Without a key nothing is guessed.
        for (var i = 0; i < 5; i++)
            (await AskAsync(limited, user.Token, null)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        var statuses = new List<int>();
        for (var i = 0; i < 5; i++)
            statuses.Add((int)(await AskAsync(limited, user.Token, $"Bearer {AdminKeys.Make().Key}")).StatusCode);
        statuses.ShouldBe([401, 401, 401, 429, 429]);
        var refused = await AskAsync(limited, user.Token, $"Bearer {key}");
        await refused.ShouldBeProblemAsync(HttpStatusCode.TooManyRequests);
        refused.Headers.RetryAfter!.Delta!.Value.ShouldBeInRange(TimeSpan.FromMinutes(9), TimeSpan.FromMinutes(10));
        exceeded.ShouldBe(3);
        (await AskAsync(limited, user.Token, $"Bearer {key}", "203.0.113.77")).StatusCode.ShouldBe(HttpStatusCode.OK);
        using var admin = limited.ClientWith(key);
        await (await admin.GetAsync("/admin/users?limit=1", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
    }

    static string Basic(string name, string key) => $"Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes($"{name}:{key}"))}";

    static async Task<(string Name, string Key)> KeyAsync(ProfilesFixture app, string scopes = "users:read tokens:introspect")
    {
        var (key, hash) = AdminKeys.Make();
        var name = $"orders: {Guid.NewGuid().ToString("N", CultureInfo.InvariantCulture)}";
        await app.QueryAsync(db =>
        {
            db.Add(new AdminKey { Name = name, Hash = hash, Scopes = scopes, CreatedAt = app.Clock.GetUtcNow().UtcDateTime });
            return db.SaveChangesAsync(TestContext.Current.CancellationToken);
        });
        return (name, key);
    }

    static Task<HttpResponseMessage> AskAsync(ProfilesFixture app, string token, string? authorization, string address = "") =>
        SendAsync(app, new FormUrlEncodedContent([new("token", token), new("token_type_hint", "access_token")]), authorization, address);

    static async Task<HttpResponseMessage> SendAsync(ProfilesFixture app, HttpContent content, string? authorization, string address = "")
    {
        using var request = ClientAddresses.From(address, HttpMethod.Post, "/token/introspect", content);
        if (authorization is not null)
            request.Headers.TryAddWithoutValidation("Authorization", authorization).ShouldBeTrue();
        return await app.Client.SendAsync(request, TestContext.Current.CancellationToken);
    }
}
