using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Cleanup;
using Profiles.Infrastructure.Outbox;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Webhooks;

/// <summary>Registers webhooks: their events, endpoints and delivery.</summary>
static class WebhooksSetup
{
    // Of each endpoint.
    const int Concurrency = 4;

    // Another instance may know an endpoint some seconds earlier or, while settings are changed, a deployment earlier.
    static readonly TimeSpan UnknownFor = TimeSpan.FromDays(1);

    public static IServiceCollection AddWebhooks(this IServiceCollection services)
    {
        services.AddSection<WebhooksOptions>("Webhooks").Validate(
            o => o.Parsed() is not null,
            "Webhooks__Endpoints must be endpoints such as crm https://crm.example.com/hooks whsec_… user.created, separated by "
                + "semicolons, with names, addresses, secrets and events as docs/webhooks.md describes them.");
        return services
            .AddSingleton<WebhookEndpoints>()
            .AddSingleton<IStartupLoader>(p => p.GetRequiredService<WebhookEndpoints>())
            .AddHostedService(p => p.GetRequiredService<WebhookEndpoints>())
            .AddSingleton<WebhookSender>()
            .AddSingleton<WebhookEvents>()
            // Before the outbox's own interceptor, which looks for what this one adds.
            .AddSingleton<IInterceptor>(p => p.GetRequiredService<WebhookEvents>())
            .AddOutboxHandler<WebhookHandler>(
                [OutboxStore.Webhook],
                // An attempt ends with the timeout; the rest is for the database.
                p => p.GetRequiredService<IOptions<WebhooksOptions>>().Value.Timeout + TimeSpan.FromSeconds(5),
                Concurrency,
                WebhookHandler.Retries,
                p =>
                {
                    var sender = p.GetRequiredService<WebhookSender>();
                    return [.. p.GetRequiredService<WebhookEndpoints>().All.Where(e => !sender.IsPaused(e)).Select(e => e.Name)];
                })
            .AddCleanup("webhooks", provider =>
            {
                var endpoints = provider.GetRequiredService<WebhookEndpoints>();
                return (db, now, ct) =>
                {
                    var (names, old) = (endpoints.All.Select(e => e.Name).ToArray(), now - UnknownFor);
                    return db.Outbox
                        .Where(e => e.Store == OutboxStore.Webhook && e.DueAt <= now
                            && (e.State == OutboxState.Dead || (!names.Contains(e.Key) && e.CreatedAt <= old)))
                        .OrderBy(e => e.DueAt).Take(CleanupService.Batch).ExecuteDeleteAsync(ct);
                };
            })
            .AddCleanup("waiting webhooks", (db, now, ct) =>
            {
                var (old, expires) = (now - WebhookHandler.GivenUpAfter, now + WebhookHandler.Retention);
                return db.Outbox
                    .Where(e => e.Store == OutboxStore.Webhook && e.State != OutboxState.Dead && e.DueAt <= old && db.Outbox
                        .Where(x => x.Store == OutboxStore.Webhook && x.State != OutboxState.Dead && x.DueAt <= old)
                        .OrderBy(x => x.DueAt).Take(CleanupService.Batch).Select(x => x.Id).Contains(e.Id))
                    .ExecuteUpdateAsync(
                        e => e.SetProperty(x => x.State, OutboxState.Dead).SetProperty(x => x.DueAt, expires)
                            .SetProperty(x => x.Failure, x => x.Failure ?? "Its turn did not come"),
                        ct);
            });
    }
}
