using System.Net;
using System.Net.Http.Json;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;

namespace Profiles.Tests.Features.ResendVerification;

public sealed class ResendVerificationTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    const string Subject = "Confirm your e-mail address";

    [Fact]
    public async Task Another_mail_brings_a_valid_token_and_the_earlier_one_becomes_invalid()
    {
        var user = await app.CreateUserAsync();
        var first = await app.MailAsync(user.Email, Subject);
        (await (await PostAsync(user)).ShouldBeAsync(HttpStatusCode.Accepted)).Names().ShouldBe(["message"]);
        var second = await app.MailAsync(user.Email, Subject, count: 2);
        await (await VerifyAsync(first.Token)).ShouldBeProblemAsync(HttpStatusCode.BadRequest);
        (await VerifyAsync(second.Token)).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_verified_address_gets_the_same_answer_and_no_mail()
    {
        var user = await app.CreateUserAsync();
        (await VerifyAsync((await app.MailAsync(user.Email, Subject)).Token)).StatusCode.ShouldBe(HttpStatusCode.OK);
        await (await PostAsync(user)).ShouldBeAsync(HttpStatusCode.Accepted);
        (await app.QueryAsync(db => db.Outbox.CountAsync(e => e.Store == OutboxStore.Mail && e.UserId == user.Id))).ShouldBe(0);
    }

    Task<HttpResponseMessage> VerifyAsync(string token) => app.Client.PostAsJsonAsync("/email/verify", new { token }, Cancellation);

    Task<HttpResponseMessage> PostAsync(TestUser user) => app.ClientFor(user).PostAsync("/email/verify/resend", null, Cancellation);
}
