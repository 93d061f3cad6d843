using System.Net;
using System.Net.Http.Json;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;

namespace Profiles.Tests.Features.ForgotPassword;

public sealed class ForgotPasswordTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    const string Subject = "Set a new password";

    [Fact]
    public async Task A_mail_with_a_token_goes_to_the_account_and_only_its_hash_is_stored()
    {
        var user = await app.CreateUserAsync();
        var body = await (await PostAsync($" {user.Email.ToUpperInvariant()} ")).ShouldBeAsync(HttpStatusCode.Accepted);
        body.Names().ShouldBe(["message"]);
        var mail = await app.MailAsync(user.Email, Subject);
        mail.Token.Length.ShouldBe(43);
        mail.Raw.ShouldContain("It is valid for 30 minutes.");
        var stored = await app.QueryAsync(db => db.OneTimeTokens.SingleAsync(t => t.UserId == user.Id &&
            t.Purpose == TokenPurpose.ResetPassword));
        stored.TokenHash.ShouldBe(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.ASCII.GetBytes(mail.Token)));
        stored.ExpiresAt.ShouldBe(app.Clock.GetUtcNow().UtcDateTime.AddMinutes(30), TimeSpan.FromMinutes(1));
        (await app.QueryAsync(db => db.SecurityEvents.CountAsync(e => e.UserId == user.Id &&
            e.Kind == SecurityEventKind.PasswordResetRequested))).ShouldBe(1);
    }

    [Fact]
    public async Task The_token_of_the_earlier_mail_becomes_invalid()
    {
        var user = await app.CreateUserAsync();
        await PostAsync(user.Email);
        var first = await app.MailAsync(user.Email, Subject);
        await PostAsync(user.Email);
        var second = await app.MailAsync(user.Email, Subject, count: 2);
        await (await ResetAsync(first.Token)).ShouldBeProblemAsync(HttpStatusCode.BadRequest);
        (await ResetAsync(second.Token)).StatusCode.ShouldBe(HttpStatusCode.OK);

        Task<HttpResponseMessage> ResetAsync(string token) =>
            app.Client.PostAsJsonAsync("/password/reset", new { token, new_password = "another horse battery staple" }, Cancellation);
    }

    [Fact]
    public async Task An_address_without_an_account_gets_the_same_answer_for_the_same_work_and_no_mail()
    {
        var (user, address) = (await app.CreateUserAsync(), $"nobody-{Guid.NewGuid():N}@example.com");
        // The first request reserves a share of the rate limit for the following ones.
        await PostAsync(user.Email);
        var (known, unknown) = (await PostAsync(user.Email, "forgot known"), await PostAsync(address, "forgot unknown"));
        (await ShownAsync(unknown)).ShouldBe(await ShownAsync(known));
        var commands = (CommandLog)app.Services.GetService(typeof(CommandLog))!;
        commands.OwnOf("forgot unknown").Select(c => c.Text).ShouldBe(commands.OwnOf("forgot known").Select(c => c.Text));
        commands.OwnOf("forgot unknown").ShouldNotBeEmpty();

        await app.SentAsync(address);
        await app.SentAsync(user.Email);
        app.MailsTo(address).ShouldBeEmpty();
        app.MailsTo(user.Email).ShouldContain(m => m.Subject == Subject);
    }

    [Theory]
    [InlineData("""{"email":"plain"}""")]
    [InlineData("""{"email":""}""")]
    [InlineData("""{"email":"a@example.com\r\nBcc: b@example.com"}""")]
    [InlineData("""{"email":"a@example.com>\u0000"}""")]
    [InlineData("""{"email":5}""")]
    [InlineData("{}")]
    public async Task An_invalid_address_is_refused(string body) =>
        await (await app.Client.PostAsync("/password/forgot", new StringContent(body,
            new System.Net.Http.Headers.MediaTypeHeaderValue("application/json")), Cancellation)).ShouldRefuseFieldsAsync("email");

    static async Task<string> ShownAsync(HttpResponseMessage response) =>
        string.Join('\n', [
            $"{(int)response.StatusCode}",
            .. response.Headers.Concat(response.Content.Headers).Where(h => h.Key != "Date")
                .Select(h => $"{h.Key}: {string.Join(", ", h.Value)}"),
            await response.Content.ReadAsStringAsync(),
        ]);

    Task<HttpResponseMessage> PostAsync(string email, string? trace = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/password/forgot") { Content = JsonContent.Create(new { email }) };
        if (trace is not null)
            request.Headers.Add("X-Test-Trace", trace);
        return app.Client.SendAsync(request, Cancellation);
    }
}
