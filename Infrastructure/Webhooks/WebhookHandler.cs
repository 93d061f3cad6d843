using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Outbox;
using Profiles.Infrastructure.Telemetry;

namespace Profiles.Infrastructure.Webhooks;

/// <summary>Delivers the messages of the outbox at least once, and keeps those dead that no attempt delivered, for the operator.</summary>
sealed class WebhookHandler(
    ProfilesDbContext db, WebhookEndpoints endpoints, WebhookSender sender, ServiceMetrics metrics, TimeProvider clock,
    ILogger<WebhookHandler> log)
    : IOutboxHandler
{
    /// <summary>
    /// What Standard Webhooks proposes: how long after each failed attempt comes the next, three days in all. After the last one the
    /// message is dead.
    /// </summary>
    public static readonly IReadOnlyList<TimeSpan> Retries =
    [
        TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(30), TimeSpan.FromHours(2), TimeSpan.FromHours(5),
        TimeSpan.FromHours(10), TimeSpan.FromHours(14), TimeSpan.FromHours(20), TimeSpan.FromHours(24),
    ];

    /// <summary>A message whose turn has not come for so long is dead too.</summary>
    public static readonly TimeSpan GivenUpAfter = TimeSpan.FromDays(3);

    /// <summary>How long a dead message is kept.</summary>
    public static readonly TimeSpan Retention = TimeSpan.FromDays(30);

    public async Task HandleAsync(OutboxEntry entry, CancellationToken stopping)
    {
        // The cleanup deletes what is left of it.
        if (endpoints.Find(entry.Key) is not { } endpoint)
            throw new WebhookException("The endpoint was removed");
        var message = WebhookMessage.Of(entry.Payload!);
        var failure = await sender.SendAsync(endpoint, message, stopping);
        var isDead = failure is not null && (failure == WebhookSender.Gone || entry.Attempts >= Retries.Count);
        metrics.Webhooks.Count(failure is null ? Outcome.Success : isDead ? Outcome.Dead : Outcome.Error);
        if (failure is null)
        {
            await db.Outbox.Where(e => e.Id == entry.Id).ExecuteDeleteAsync(CancellationToken.None);
            return;
        }
        var expires = clock.GetUtcNow().UtcDateTime + Retention;
        // Not one that the operator had resent meanwhile.
        await db.Outbox.Where(e => e.Id == entry.Id && e.Attempts == entry.Attempts + 1).ExecuteUpdateAsync(
            e => e.SetProperty(x => x.Failure, failure)
                .SetProperty(x => x.State, x => isDead ? OutboxState.Dead : x.State)
                .SetProperty(x => x.DueAt, x => isDead ? expires : x.DueAt),
            CancellationToken.None);
        if (!isDead)
            throw new WebhookException(failure);
        log.LogWarning(
            "Message {Message} is dead after {Attempts} attempts to reach endpoint {Endpoint}: {Failure}. It waits for webhooks resend.",
            message.Id, entry.Attempts + 1, entry.Key, failure);
    }

    sealed class WebhookException(string message) : Exception(message);
}
