using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Outbox;

namespace Profiles.Infrastructure.Webhooks;

/// <summary>Delivers the messages of the outbox at least once, and keeps those dead that no attempt delivered, for the operator.</summary>
sealed class WebhookHandler(
    ProfilesDbContext db, WebhookEndpoints endpoints, WebhookSender sender, TimeProvider clock, ILogger<WebhookHandler> log)
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

    /// <summary>How long a dead message is kept.</summary>
    public static readonly TimeSpan Retention = TimeSpan.FromDays(30);

    public async Task HandleAsync(OutboxEntry entry, CancellationToken stopping)
    {
        // Removed since the entry was read; the cleanup deletes what is left of it.
        if (endpoints.Find(entry.Key) is not { } endpoint)
            return;
        var message = WebhookMessage.Of(entry.Payload!);
        if (await sender.SendAsync(endpoint, message, stopping) is not { } failure)
        {
            await db.Outbox.Where(e => e.Id == entry.Id).ExecuteDeleteAsync(CancellationToken.None);
            return;
        }
        var isDead = failure == WebhookSender.Gone || entry.Attempts >= Retries.Count;
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
