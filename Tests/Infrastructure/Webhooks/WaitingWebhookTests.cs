using Microsoft.AspNetCore.Hosting;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Webhooks;
using Profiles.Tests.Features.VerifyEmail;

namespace Profiles.Tests.Infrastructure.Webhooks;

/// <summary>A service that requires verified addresses, with an endpoint that nobody answers.</summary>
public sealed class WaitingWebhooksFixture : VerifiedFixture
{
    protected override void ConfigureApp(IWebHostBuilder a)
    {
        base.ConfigureApp(a);
        a.UseSetting("Webhooks:Endpoints", $"crm http://127.0.0.1:{FreePort.Take()}/ {WebhooksFixture.Secret}");
        a.UseSetting("Webhooks:AllowPrivateNetworks", "true");
    }
}

/// <summary>Where addresses must be verified, a user is created when the registration is confirmed.</summary>
public sealed class WaitingWebhookTests(WaitingWebhooksFixture app) : TestBase<WaitingWebhooksFixture>
{
    [Fact]
    public async Task A_confirmed_registration_creates_a_user_and_a_waiting_one_does_not()
    {
        var user = await app.CreateVerifiedAsync();
        var entries = await app.QueryAsync(db => db.Outbox.AsNoTracking().Where(e => e.Store == OutboxStore.Webhook)
            .OrderBy(e => e.Id).ToListAsync(Cancellation));
        entries.Select(e => (e.UserId, WebhookMessage.Of(e.Payload!).Type)).ShouldBe([(user.Id, "user.created")]);
    }
}
