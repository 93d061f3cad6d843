using System.Net;
using System.Net.Http.Json;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Tests.Features.LoginWithCode;
using Profiles.Tests.Features.VerifyEmail;

namespace Profiles.Tests.Features.ResetPassword;

/// <summary>Six digits set a new password as the token of the same mail does.</summary>
public sealed class ResetPasswordCodeTests(MailCodesFixture app, ProfilesFixture without)
    : TestBase<MailCodesFixture>, IClassFixture<ProfilesFixture>
{
    const string New = "another horse battery staple", Subject = "Set a new password";

    [Fact]
    public async Task The_digits_set_a_new_password_once_and_a_refused_password_does_not_spend_them()
    {
        var user = await app.CreateVerifiedAsync();
        await app.AddWaysInAsync(user);
        var mail = await AskAsync(app, user.Email);
        await (await PostAsync(user.Email, mail.Digits, "iloveyou1")).ShouldRefuseFieldsAsync("new_password");
        await (await PostAsync(user.Email, mail.Digits, New)).ShouldBeAsync(HttpStatusCode.OK);
        await (await PostAsync(user.Email, mail.Digits, New)).ShouldBeProblemAsync(HttpStatusCode.BadRequest, VerifyEmailTests.Refusal);
        (await app.Client.PostAsJsonAsync("/login", new { email = user.Email, password = user.Password }, Cancellation))
            .StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        // The ways in of a verified account stay, and the second factor is still asked for.
        (await app.CountWaysInAsync(user)).ShouldBeGreaterThanOrEqualTo(4);
        (await app.Client.PostAsJsonAsync("/login", new { email = user.Email, password = New }, Cancellation))
            .StatusCode.ShouldBe(HttpStatusCode.Forbidden);
    }

    [Fact]
    public async Task The_right_digits_after_five_wrong_ones_are_refused()
    {
        var user = await app.CreateVerifiedAsync();
        var mail = await AskAsync(app, user.Email);
        foreach (var digits in Enumerable.Repeat(new LoginCode("", "", mail.Digits).Wrong, MailCode.MostTries).Append(mail.Digits))
            await (await PostAsync(user.Email, digits, New)).ShouldBeProblemAsync(HttpStatusCode.BadRequest, VerifyEmailTests.Refusal);
        (await app.Client.PostAsJsonAsync("/login", new { email = user.Email, password = user.Password }, Cancellation))
            .StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Whoever_registered_an_address_that_is_not_theirs_is_out_once_its_owner_sets_a_password()
    {
        var thief = await without.CreateUserAsync("Thief");
        await without.AddWaysInAsync(thief);
        var mail = await AskAsync(without, thief.Email);
        await (await without.Client.PostAsJsonAsync("/password/reset", new { token = mail.Token, new_password = New }, Cancellation))
            .ShouldBeAsync(HttpStatusCode.OK);
        (await without.CountWaysInAsync(thief)).ShouldBe(0);
        (await without.QueryAsync(db => db.Sessions.CountAsync(s => s.UserId == thief.Id))).ShouldBe(0);
        // The second factor of the thief does not stop the owner.
        await (await without.Client.PostAsJsonAsync("/login", new { email = thief.Email, password = New }, Cancellation))
            .ShouldBeAsync(HttpStatusCode.OK);
        (await without.EventsAsync(thief.Id)).ShouldContain(SecurityEventKind.WaysInRemoved);
    }

    static async Task<TestMail> AskAsync(ProfilesFixture service, string email)
    {
        (await service.Client.PostAsJsonAsync("/password/forgot", new { email })).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        return await service.MailAsync(email, Subject);
    }

    Task<HttpResponseMessage> PostAsync(string email, string code, string password) =>
        app.Client.PostAsJsonAsync("/password/reset", new { email, code, new_password = password }, Cancellation);
}
