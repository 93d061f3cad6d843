using System.Net;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Hosting;
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

/// <summary>The same, where addresses must be verified.</summary>
public sealed class FewMailsVerifiedFixture : VerifiedFixture
{
    protected override void ConfigureApp(IWebHostBuilder a)
    {
        base.ConfigureApp(a);
        FewMailsFixture.Configure(a);
    }
}

/// <summary>The hourly budget of mails to one address is spent by mails that go out, and never by somebody else's wish.</summary>
public sealed class MailBudgetTests(FewMailsFixture app, FewMailsVerifiedFixture verified) : TestBase<FewMailsFixture>, IClassFixture<FewMailsVerifiedFixture>
{
    const string Reset = "Set a new password", Taken = "You have an account already";

    [Fact]
    public async Task Registrations_and_changes_of_address_that_are_refused_spend_nothing_of_it()
    {
        var (victim, stranger) = (await app.CreateUserAsync(), await app.CreateUserAsync());
        await app.SentAsync();
        for (var i = 0; i < FewMailsFixture.Most + 2; i++)
        {
            foreach (var (password, status) in new[] { (stranger.Password, HttpStatusCode.Conflict), ("wrong password", HttpStatusCode.Forbidden) })
                (await app.ClientFor(stranger).PutAsJsonAsync("/me", new { email = victim.Email, current_password = password }, Cancellation)).StatusCode.ShouldBe(status);
            (await app.Client.PostAsJsonAsync("/register", new { name = "Stranger", email = victim.Email, password = "correct horse battery staple" }, Cancellation)).StatusCode.ShouldBe(HttpStatusCode.Conflict);
        }
        await ForgetAsync(app, victim.Email);
        await app.MailAsync(victim.Email, Reset);
        // The owner's mails are not more than so many either.
        for (var i = 0; i < FewMailsFixture.Most + 1; i++)
            await ForgetAsync(app, victim.Email);
        await app.SentAsync();
        app.MailsTo(victim.Email).Count(m => m.Subject == Reset).ShouldBe(FewMailsFixture.Most);
    }

    [Fact]
    public async Task What_strangers_cause_where_nobody_is_told_what_is_taken_has_a_budget_of_its_own()
    {
        var (victim, stranger) = (await verified.CreateVerifiedAsync(), await verified.CreateVerifiedAsync());
        for (var i = 0; i < FewMailsFixture.Most + 2; i++)
        {
            (await verified.Client.PostAsJsonAsync("/register", new { name = "Stranger", email = victim.Email, password = "correct horse battery staple" }, Cancellation)).StatusCode.ShouldBe(HttpStatusCode.Accepted);
            await verified.SentAsync();
        }
        for (var i = 0; i < FewMailsFixture.Most + 2; i++)
            (await verified.ClientFor(stranger).PutAsJsonAsync("/me", new { email = victim.Email, current_password = stranger.Password }, Cancellation)).StatusCode.ShouldBe(HttpStatusCode.OK);
        await verified.SentAsync();
        // The first was the confirmation of the victim's own registration.
        verified.MailsTo(victim.Email).Length.ShouldBe(FewMailsFixture.Most);
        await ForgetAsync(verified, victim.Email);
        await verified.MailAsync(victim.Email, Reset);
    }

    async Task ForgetAsync(ProfilesFixture on, string email) =>
        (await on.Client.PostAsJsonAsync("/password/forgot", new { email }, Cancellation)).StatusCode.ShouldBe(HttpStatusCode.Accepted);
}
