using System.Buffers.Text;
using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Hosting;
using Profiles.Data;
using Profiles.Tests.Features.LoginWithCode;
using Profiles.Tests.Features.VerifyEmail;

namespace Profiles.Tests.Infrastructure.Accounts;

/// <summary>A service that sends few mails to one address.</summary>
public sealed class FewMailsFixture : ProfilesFixture
{
    public const int Most = 3;

    public static void Configure(IWebHostBuilder a)
    {
        a.UseSetting("Limits:MailsToOne", $"{Most}");
        a.UseSetting("Limits:MailsOfStrangers", $"{Most}");
    }

    protected override void ConfigureApp(IWebHostBuilder a)
    {
        base.ConfigureApp(a);
        Configure(a);
    }
}

/// <summary>The same service with required verification of e-mail addresses.</summary>
public sealed class FewMailsVerifiedFixture : VerifiedFixture
{
    protected override void ConfigureApp(IWebHostBuilder a)
    {
        base.ConfigureApp(a);
        FewMailsFixture.Configure(a);
    }
}

/// <summary>Only mails that are sent use up an address's hourly budget; refused requests of others do not.</summary>
public sealed class MailBudgetTests(FewMailsFixture app, FewMailsVerifiedFixture verified)
    : TestBase<FewMailsFixture>, IClassFixture<FewMailsVerifiedFixture>
{
    const string Reset = "Set a new password", Taken = "You have an account already";

    [Fact]
    public async Task Refused_registrations_and_changes_of_address_do_not_use_up_the_budget()
    {
        var (victim, stranger) = (await app.CreateUserAsync(), await app.CreateUserAsync());
        await app.SentAsync();
        for (var i = 0; i < FewMailsFixture.Most + 2; i++)
        {
            foreach (var (password, status) in new[] { (stranger.Password, HttpStatusCode.Conflict),
                ("wrong password", HttpStatusCode.Forbidden) })
                (await app.ClientFor(stranger)
                    .PutAsJsonAsync("/me", new { email = victim.Email, current_password = password }, Cancellation))
                    .StatusCode.ShouldBe(status);
            (await app.Client.PostAsJsonAsync("/register",
                new { name = "Stranger", email = victim.Email, password = "correct horse battery staple" }, Cancellation))
                .StatusCode.ShouldBe(HttpStatusCode.Conflict);
        }
        await RequestResetAsync(app, victim.Email);
        await app.MailAsync(victim.Email, Reset);
        // The limit holds for the owner's mails too.
        for (var i = 0; i < FewMailsFixture.Most + 1; i++)
            await RequestResetAsync(app, victim.Email);
        await app.SentAsync();
        app.MailsTo(victim.Email).Count(m => m.Subject == Reset).ShouldBe(FewMailsFixture.Most);
    }

    [Fact]
    public async Task Codes_to_log_in_that_are_void_by_now_do_not_use_up_the_budget()
    {
        var (email, now) = (LoginCodes.Fresh(), app.Clock.GetUtcNow().UtcDateTime);
        await app.QueryAsync(db =>
        {
            db.Outbox.AddRange(Enumerable.Range(0, FewMailsFixture.Most).Select(_ => new OutboxEntry
            {
                Store = OutboxStore.Mail,
                State = OutboxState.Settling,
                Mail = MailKind.LoginCode,
                UserId = 0,
                Key = email,
                Payload = $"en   {Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(Session.HashLength))}",
                CreatedAt = now,
                DueAt = now,
            }));
            return db.SaveChangesAsync(Cancellation);
        });
        await app.SentAsync(email);
        app.MailsTo(email).ShouldBeEmpty();
        (await app.CodeAsync(email)).Digits.ShouldNotBeEmpty();
    }

    [Fact]
    public async Task With_required_verification_mails_that_strangers_cause_have_their_own_budget()
    {
        var (victim, stranger) = (await verified.CreateVerifiedAsync(), await verified.CreateVerifiedAsync());
        for (var i = 0; i < FewMailsFixture.Most + 2; i++)
        {
            (await verified.Client.PostAsJsonAsync("/register",
                new { name = "Stranger", email = victim.Email, password = "correct horse battery staple" }, Cancellation))
                .StatusCode.ShouldBe(HttpStatusCode.Accepted);
            await verified.SentAsync();
        }
        for (var i = 0; i < FewMailsFixture.Most + 2; i++)
            (await verified.ClientFor(stranger)
                .PutAsJsonAsync("/me", new { email = victim.Email, current_password = stranger.Password }, Cancellation))
                .StatusCode.ShouldBe(HttpStatusCode.OK);
        await verified.SentAsync();
        // The first mail confirmed the victim's own registration.
        verified.MailsTo(victim.Email).Length.ShouldBe(FewMailsFixture.Most);
        await RequestResetAsync(verified, victim.Email);
        await verified.MailAsync(victim.Email, Reset);
    }

    async Task RequestResetAsync(ProfilesFixture on, string email) =>
        (await on.Client.PostAsJsonAsync("/password/forgot", new { email }, Cancellation)).StatusCode.ShouldBe(HttpStatusCode.Accepted);
}
