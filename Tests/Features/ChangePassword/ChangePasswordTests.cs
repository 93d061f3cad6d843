using System.Net;
using System.Net.Http.Json;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Errors;

namespace Profiles.Tests.Features.ChangePassword;

public sealed class ChangePasswordTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    const string New = "another horse battery staple";

    [Fact]
    public async Task The_current_password_sets_a_new_one_and_the_owner_gets_a_mail()
    {
        var user = await app.CreateUserAsync();
        var body = await (await PutAsync(user, user.Password, New)).ShouldBeAsync(HttpStatusCode.OK);
        body.Names().ShouldBe(["message"]);
        body.GetProperty("message").GetString().ShouldBe("Password changed successfully");
        (await LoginAsync(user.Email, New)).StatusCode.ShouldBe(HttpStatusCode.OK);
        await (await LoginAsync(user.Email, user.Password)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        (await EventsAsync(user)).ShouldContain(SecurityEventKind.PasswordChanged);
        (await app.MailAsync(user.Email, "Your password was changed")).Raw.ShouldNotContain(New);
    }

    [Fact]
    public async Task The_users_other_sessions_end_and_those_of_other_users_stay()
    {
        var (user, other) = (await app.CreateUserAsync(), await app.CreateUserAsync());
        var thief = await app.LogInAsync(user, "Thief's phone");
        await (await PutAsync(user, user.Password, New)).ShouldBeAsync(HttpStatusCode.OK);

        (await app.QueryAsync(db => db.Sessions.Where(s => s.UserId == user.Id).Select(s => s.Id).ToListAsync(Cancellation)))
            .ShouldBe([user.SessionId]);
        using var locked = app.ClientFor(thief);
        await (await locked.GetAsync("/me", Cancellation)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        await (await app.Client.PostAsJsonAsync("/token/refresh", new { refresh_token = thief.RefreshToken }, Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        foreach (var stays in new[] { user, other })
        {
            using var client = app.ClientFor(stays);
            await (await client.GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        }
        (await app.QueryAsync(db => db.SecurityEvents.SingleAsync(e => e.UserId == user.Id && e.Kind == SecurityEventKind.SessionEnded,
            Cancellation))).Device.ShouldBe("Thief's phone");
    }

    [Fact]
    public async Task A_wrong_current_password_is_403_and_nothing_changes()
    {
        var user = await app.CreateUserAsync();
        var before = await StoredAsync(user);
        await (await PutAsync(user, "wrong password", New)).ShouldBeProblemAsync(HttpStatusCode.Forbidden, "The current password is wrong");
        await (await PutAsync(user, new string('a', User.PasswordMaxBytes + 1), New)).ShouldBeProblemAsync(HttpStatusCode.Forbidden);
        (await StoredAsync(user)).PasswordHash.ShouldBe(before.PasswordHash);
        (await EventsAsync(user)).ShouldNotContain(SecurityEventKind.PasswordChanged);
        (await LoginAsync(user.Email, user.Password)).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Of_several_simultaneous_changes_exactly_one_wins()
    {
        var user = await app.CreateUserAsync();
        var statuses = await Task.WhenAll(Enumerable.Range(0, 5)
            .Select(async i => (await PutAsync(user, user.Password, $"{New} {i}")).StatusCode));
        statuses.Count(s => s == HttpStatusCode.OK).ShouldBe(1);
        statuses.Count(s => s is HttpStatusCode.Forbidden or HttpStatusCode.Unauthorized).ShouldBe(4);
    }

    [Fact]
    public async Task A_password_that_attackers_try_first_is_refused_with_the_reason()
    {
        var user = await app.CreateUserAsync();
        foreach (var (password, reason) in new[]
        {
            ("Password1", ErrorCodes.PasswordTooCommon.Sentence), (user.Email, ErrorCodes.PasswordIsEmail.Sentence),
            (user.Email.Split('@')[0].ToUpperInvariant() + "!", ErrorCodes.PasswordIsEmail.Sentence),
            ("Profiles2026!", ErrorCodes.PasswordIsServiceName.Sentence),
        })
        {
            var answer = await PutAsync(user, user.Password, password);
            (await answer.ShouldBeProblemAsync(HttpStatusCode.BadRequest, reason)).GetProperty("errors")
                .GetProperty("new_password")[0].GetString().ShouldBe(reason);
        }
        (await LoginAsync(user.Email, user.Password)).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("""{"current_password":"","new_password":"another horse battery staple"}""", "current_password")]
    [InlineData("""{"current_password":"a\u0000b","new_password":"another horse battery staple"}""", "current_password")]
    [InlineData("""{"current_password":"correct horse battery staple","new_password":"1234567"}""", "new_password")]
    [InlineData("""{"current_password":"correct horse battery staple","new_password":"abcdefgh\u0000tail-1"}""", "new_password")]
    [InlineData("""{"new_password":"another horse battery staple"}""", "current_password")]
    [InlineData("""{"current_password":"correct horse battery staple","new_password":5}""", "new_password")]
    public async Task A_refused_field_is_named(string body, string field)
    {
        var user = await app.CreateUserAsync();
        await (await app.ClientFor(user).PutAsync("/me/password", new StringContent(body,
            new System.Net.Http.Headers.MediaTypeHeaderValue("application/json")), Cancellation)).ShouldRefuseFieldsAsync(field);
    }

    Task<User> StoredAsync(TestUser user) => app.QueryAsync(db => db.Users.AsNoTracking().SingleAsync(u => u.Id == user.Id));

    Task<List<SecurityEventKind>> EventsAsync(TestUser user) =>
        app.QueryAsync(db => db.SecurityEvents.Where(e => e.UserId == user.Id).Select(e => e.Kind).ToListAsync());

    Task<HttpResponseMessage> LoginAsync(string email, string password) =>
        app.Client.PostAsJsonAsync("/login", new { email, password }, Cancellation);

    Task<HttpResponseMessage> PutAsync(TestUser user, string current, string next) =>
        app.ClientFor(user).PutAsJsonAsync("/me/password", new { current_password = current, new_password = next }, Cancellation);
}
