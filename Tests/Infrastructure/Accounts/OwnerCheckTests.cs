using System.Net;
using System.Net.Http.Json;
using Microsoft.EntityFrameworkCore;
using static Profiles.Tests.Infrastructure.Sessions.FreshSessionTests;

namespace Profiles.Tests.Infrastructure.Accounts;

/// <summary>Where an account has no password, a fresh login stands in for it.</summary>
public sealed class OwnerCheckTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    const string New = "another horse battery staple";

    [Fact]
    public async Task The_account_is_deleted_without_a_password_by_a_fresh_session_alone()
    {
        var user = await CreateAsync();
        await app.AgeAsync(user, TimeSpan.FromMinutes(11));
        using var client = app.ClientFor(user);
        await ShouldBeStaleAsync(await client.DeleteAsync("/me", Cancellation));
        // No password is the right one.
        foreach (var password in new[] { "", user.Password })
            await ShouldBeStaleAsync(await DeleteAsync(client, new { password }));
        await app.AgeAsync(user, TimeSpan.FromMinutes(9));
        await (await client.DeleteAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        (await app.QueryAsync(db => db.Users.AnyAsync(u => u.Id == user.Id))).ShouldBeFalse();
    }

    [Fact]
    public async Task A_fresh_session_sets_a_first_password_which_the_next_change_needs()
    {
        var user = await CreateAsync();
        await app.AgeAsync(user, TimeSpan.FromMinutes(11));
        using var client = app.ClientFor(user);
        await ShouldBeStaleAsync(await client.PutAsJsonAsync("/me/password", new { new_password = New }, Cancellation));
        await app.AgeAsync(user, TimeSpan.Zero);
        await (await client.PutAsJsonAsync("/me/password", new { new_password = New }, Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        await app.LogInAsync(user with { Password = New });
        await (await client.PutAsJsonAsync("/me/password", new { new_password = user.Password }, Cancellation))
            .ShouldRefuseFieldsAsync("current_password");
    }

    [Fact]
    public async Task Of_two_first_passwords_at_once_one_is_set()
    {
        var user = await CreateAsync();
        using var client = app.ClientFor(user);
        var answers = await Task.WhenAll(Enumerable.Range(0, 2).Select(
            i => client.PutAsJsonAsync("/me/password", new { new_password = $"{New} {i}" }, Cancellation)));
        answers.Count(a => a.StatusCode == HttpStatusCode.OK).ShouldBe(1);
    }

    [Fact]
    public async Task A_password_needs_an_address()
    {
        var user = await CreateAsync();
        await app.QueryAsync(db => db.Users.Where(u => u.Id == user.Id).ExecuteUpdateAsync(
            u => u.SetProperty(x => x.Email, (string?)null).SetProperty(x => x.NormalizedEmail, (string?)null)));
        using var client = app.ClientFor(user);
        var refusal = await (await client.PutAsJsonAsync("/me/password", new { new_password = New }, Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.Conflict);
        refusal.GetProperty("code").GetString().ShouldBe("email_needed");
    }

    [Fact]
    public async Task A_fresh_session_changes_the_address()
    {
        var user = await CreateAsync();
        await app.AgeAsync(user, TimeSpan.FromMinutes(11));
        using var client = app.ClientFor(user);
        await ShouldBeStaleAsync(await client.PutAsJsonAsync("/me", new { email = "x" + user.Email }, Cancellation));
        await app.AgeAsync(user, TimeSpan.Zero);
        (await (await client.PutAsJsonAsync("/me", new { email = "x" + user.Email }, Cancellation)).ShouldBeAsync(HttpStatusCode.OK))
            .GetProperty("pending_email").GetString().ShouldBe("x" + user.Email);
    }

    [Fact]
    public async Task With_a_second_factor_the_login_must_have_had_both()
    {
        var user = await CreateAsync();
        var enrolled = await app.EnrolAsync(user);
        await app.QueryAsync(db => db.Sessions.Where(s => s.Id == user.SessionId)
            .ExecuteUpdateAsync(s => s.SetProperty(x => x.Methods, "otp")));
        using var client = app.ClientFor(user);
        await ShouldBeStaleAsync(await client.DeleteAsync("/me", Cancellation));
        await ShouldBeStaleAsync(await client.PutAsJsonAsync("/me/password", new { new_password = New }, Cancellation));
        await ShouldBeStaleAsync(await client.PutAsJsonAsync("/me", new { email = "x" + enrolled.User.Email }, Cancellation));
    }

    [Fact]
    public async Task A_guests_session_is_all_there_is()
    {
        var user = await CreateAsync();
        await app.QueryAsync(db => db.Users.Where(u => u.Id == user.Id)
            .ExecuteUpdateAsync(u => u.SetProperty(x => x.GuestSince, DateTime.UnixEpoch)));
        await app.AgeAsync(user, TimeSpan.FromDays(30));
        using var client = app.ClientFor(user);
        await (await client.DeleteAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
    }

    [Fact]
    public async Task No_password_logs_in_to_an_account_without_one()
    {
        var user = await CreateAsync();
        foreach (var password in new[] { user.Password, " ", "\u200b" })
        {
            await (await app.Client.PostAsJsonAsync("/login", new { email = user.Email, password }, Cancellation))
                .ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        }
    }

    async Task<TestUser> CreateAsync()
    {
        var user = await app.CreateUserAsync();
        await app.QueryAsync(db => db.Users.Where(u => u.Id == user.Id).ExecuteUpdateAsync(u => u.SetProperty(x => x.PasswordHash, "")));
        return user;
    }

    Task<HttpResponseMessage> DeleteAsync(HttpClient client, object body) =>
        client.SendAsync(new(HttpMethod.Delete, "/me") { Content = JsonContent.Create(body) }, Cancellation);
}
