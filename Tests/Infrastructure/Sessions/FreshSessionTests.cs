using System.Buffers.Text;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Routing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Profiles.Infrastructure.Http;

namespace Profiles.Tests.Infrastructure.Sessions;

/// <summary>
/// With a second factor a session must have proved both a short while ago, before what a thief would do with it (RFC 9470).
/// </summary>
public sealed class FreshSessionTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    static readonly TimeSpan JustFresh = TimeSpan.FromMinutes(9), Stale = TimeSpan.FromMinutes(11);

    [Fact]
    public void The_routes_that_need_a_fresh_login_are_exactly_these()
    {
        var routes = app.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>().ToArray();
        string[] Of(bool ofEverybody) =>
        [
            .. routes.Where(r => r.Metadata.GetMetadata<FreshLogin>()?.OfEverybody == ofEverybody)
                .Select(r => $"{r.Metadata.GetMetadata<IHttpMethodMetadata>()!.HttpMethods.Single()} {r.RoutePattern.RawText}")
                .Distinct().Order(StringComparer.Ordinal),
        ];
        Of(ofEverybody: false).ShouldBe(
        [
            "DELETE /me", "DELETE /me/identities/{id:long:min(1)}", "DELETE /me/mfa/totp", "DELETE /me/passkeys/{id:long:min(1)}",
            "DELETE /user/profile", "DELETE /users/me", "GET /me/export", "POST /me/mfa/recovery-codes", "PUT /me/password",
        ]);
        Of(ofEverybody: true).ShouldBe(
        [
            "POST /me/identities", "POST /me/mfa/totp", "POST /me/mfa/totp/confirm", "POST /passkeys/registration/options",
            "POST /passkeys/registration/verify",
        ]);
    }

    public static TheoryData<string, string> Routes => new()
    {
        { "DELETE", "/me" }, { "PUT", "/me/password" }, { "GET", "/me/export" }, { "DELETE", "/me/mfa/totp" },
        { "POST", "/me/mfa/recovery-codes" }, { "PUT", "/me" }, { "PATCH", "/me" },
    };

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task A_session_from_before_the_second_factor_is_refused_until_it_logs_in_with_both(string method, string path)
    {
        var user = await app.CreateUserAsync();
        var thief = await app.LogInAsync(user, "Thief's phone");
        var enrolled = await app.EnrolAsync(user);
        await ShouldBeStaleAsync(await SendAsync(thief, method, path));
        var stored = await app.QueryAsync(db => db.Users.AsNoTracking().SingleAsync(u => u.Id == user.Id));
        stored.Email.ShouldBe(user.Email);
        (await SendAsync(await app.LogInAsync(enrolled), method, path)).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("POST", "/me/identities")]
    [InlineData("DELETE", "/me/identities/1")]
    [InlineData("POST", "/passkeys/registration/options")]
    [InlineData("POST", "/passkeys/registration/verify")]
    [InlineData("DELETE", "/me/passkeys/1")]
    public async Task A_stale_session_neither_adds_nor_removes_a_way_in(string method, string path)
    {
        var session = await app.LogInAsync(await app.CreateEnrolledAsync());
        await app.AgeAsync(session, Stale);
        using var client = app.ClientFor(session);
        using var request = new HttpRequestMessage(new(method), path) { Content = JsonContent.Create(new { }) };
        await ShouldBeStaleAsync(await client.SendAsync(request, Cancellation));
        await app.AgeAsync(session, JustFresh);
        using var again = new HttpRequestMessage(new(method), path) { Content = JsonContent.Create(new { }) };
        (await client.SendAsync(again, Cancellation)).StatusCode.ShouldNotBe(HttpStatusCode.Unauthorized);
    }

    [Theory]
    [InlineData("/me/identities")]
    [InlineData("/passkeys/registration/options")]
    [InlineData("/passkeys/registration/verify")]
    public async Task A_stolen_session_adds_no_way_in_that_outlasts_it_but_a_guest_s_does(string path)
    {
        var user = await app.CreateUserAsync();
        using var client = app.ClientFor(user);
        await app.AgeAsync(user, Stale);
        await ShouldBeStaleAsync(await client.PostAsJsonAsync(path, new { }, Cancellation));
        await app.AgeAsync(user, JustFresh);
        (await client.PostAsJsonAsync(path, new { }, Cancellation)).StatusCode.ShouldNotBe(HttpStatusCode.Unauthorized);
        await app.AgeAsync(user, Stale);
        await app.QueryAsync(db => db.Users.Where(u => u.Id == user.Id)
            .ExecuteUpdateAsync(u => u.SetProperty(x => x.GuestSince, DateTime.UnixEpoch)));
        (await client.PostAsJsonAsync(path, new { }, Cancellation)).StatusCode.ShouldNotBe(HttpStatusCode.Unauthorized);
    }

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task Ten_minutes_after_its_login_a_session_is_refused_and_a_refresh_does_not_change_that(string method, string path)
    {
        var enrolled = await app.CreateEnrolledAsync();
        var session = await app.LogInAsync(enrolled);
        await app.AgeAsync(session, Stale);
        await ShouldBeStaleAsync(await SendAsync(session, method, path));
        var refreshed = await (await app.Client.PostAsJsonAsync(
            "/token/refresh", new { refresh_token = session.RefreshToken }, Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        session = session with { Token = refreshed.GetProperty("access_token").GetString()! };
        using var claims = JsonDocument.Parse(Base64Url.DecodeFromChars(session.Token.Split('.')[1]));
        claims.RootElement.GetProperty("auth_time").GetInt64()
            .ShouldBeInRange(0, (app.Clock.GetUtcNow() - Stale).ToUnixTimeSeconds() + 1);
        await ShouldBeStaleAsync(await SendAsync(session, method, path));
        await app.AgeAsync(session, JustFresh);
        (await SendAsync(session, method, path)).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task Without_a_second_factor_an_old_session_does_what_it_did(string method, string path)
    {
        var user = await app.CreateUserAsync();
        await app.AgeAsync(user, TimeSpan.FromDays(30));
        (await SendAsync(user, method, path)).StatusCode.ShouldBe(path.StartsWith("/me/mfa") ? HttpStatusCode.Conflict : HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_refused_change_is_repeated_with_its_key_after_the_login()
    {
        var enrolled = await app.CreateEnrolledAsync();
        await app.AgeAsync(enrolled.User, Stale);
        var (key, body) = (Guid.NewGuid().ToString(), new { email = "x" + enrolled.User.Email, current_password = enrolled.User.Password });
        await ShouldBeStaleAsync(await PutAsync(enrolled.User));
        await (await PutAsync(await app.LogInAsync(enrolled))).ShouldBeAsync(HttpStatusCode.OK);

        Task<HttpResponseMessage> PutAsync(TestUser session)
        {
            var request = new HttpRequestMessage(HttpMethod.Put, "/me") { Content = JsonContent.Create(body) };
            request.Headers.Add("Idempotency-Key", key);
            return app.ClientFor(session).SendAsync(request, Cancellation);
        }
    }

    [Fact]
    public async Task A_session_of_an_older_version_is_as_old_as_its_row()
    {
        var enrolled = await app.CreateEnrolledAsync();
        var session = await app.LogInAsync(enrolled);
        await app.QueryAsync(db => db.Sessions.Where(s => s.Id == session.SessionId)
            .ExecuteUpdateAsync(s => s.SetProperty(x => x.AuthenticatedAt, (DateTime?)null)));
        using var client = app.ClientFor(session);
        (await client.GetAsync("/me/export", Cancellation)).StatusCode.ShouldBe(HttpStatusCode.OK);
        await app.QueryAsync(db => db.Sessions.Where(s => s.Id == session.SessionId)
            .ExecuteUpdateAsync(s => s.SetProperty(x => x.CreatedAt, x => x.CreatedAt.AddMinutes(-11))));
        await ShouldBeStaleAsync(await client.GetAsync("/me/export", Cancellation));
        await app.QueryAsync(db => db.Sessions.Where(s => s.Id == session.SessionId)
            .ExecuteUpdateAsync(s => s.SetProperty(x => x.AuthenticatedAt, app.Clock.GetUtcNow().UtcDateTime)
                .SetProperty(x => x.Methods, (string?)null)));
        await ShouldBeStaleAsync(await client.GetAsync("/me/export", Cancellation));
    }

    [Fact]
    public async Task An_old_session_still_reads_and_changes_the_rest_of_the_profile()
    {
        var enrolled = await app.CreateEnrolledAsync();
        await app.AgeAsync(enrolled.User, Stale);
        using var client = app.ClientFor(enrolled.User);
        await (await client.GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        await (await client.PutAsJsonAsync("/me", new { name = "Jane", email = enrolled.User.Email }, Cancellation))
            .ShouldBeAsync(HttpStatusCode.OK);
    }

    Task<HttpResponseMessage> SendAsync(TestUser user, string method, string path)
    {
        object? body = (method, path) switch
        {
            ("DELETE", "/me") => new { password = user.Password },
            ("PUT", "/me/password") => new { current_password = user.Password, new_password = "another horse battery staple" },
            (_, "/me") => new { email = $"new-{Guid.NewGuid():N}@example.com", current_password = user.Password },
            _ => null,
        };
        var request = new HttpRequestMessage(new(method), path) { Content = body is null ? null : JsonContent.Create(body) };
        if (method == "PATCH")
            request.Content!.Headers.ContentType = new("application/merge-patch+json");
        return app.ClientFor(user).SendAsync(request, Cancellation);
    }

    internal static async Task ShouldBeStaleAsync(HttpResponseMessage answer)
    {
        var problem = await answer.ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        problem.GetProperty("code").GetString().ShouldBe("insufficient_user_authentication");
        answer.Headers.WwwAuthenticate.Single().ToString().ShouldBe(
            "Bearer error=\"insufficient_user_authentication\", error_description=\"This needs a login of the last ten minutes, "
            + "with the second factor if there is one: log in again.\", max_age=600");
    }
}
