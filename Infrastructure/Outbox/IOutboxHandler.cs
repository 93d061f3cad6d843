using Profiles.Data;

namespace Profiles.Infrastructure.Outbox;

/// <summary>Does what an entry of the outbox asks for, however often it is asked, and removes the entry when it is done.</summary>
interface IOutboxHandler
{
    /// <summary>Throws whatever it fails by: it is tried again later.</summary>
    /// <param name="entry">The entry.</param>
    /// <param name="stopping">Cancelled when the service stops; what must not be left half done goes on.</param>
    Task SettleAsync(OutboxEntry entry, CancellationToken stopping);
}
