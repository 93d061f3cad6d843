using Profiles.Data;

namespace Profiles.Infrastructure.Outbox;

/// <summary>Carries out an outbox entry, any number of times, and deletes the entry when it is done.</summary>
interface IOutboxHandler
{
    /// <summary>Throws on any failure; the outbox retries the entry later.</summary>
    /// <param name="entry">The entry.</param>
    /// <param name="stopping">Cancelled when the service stops; work that must not be left half done ignores it.</param>
    Task HandleAsync(OutboxEntry entry, CancellationToken stopping);
}
