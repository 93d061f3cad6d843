using Profiles.Data;

namespace Profiles.Infrastructure.Outbox;

/// <summary>Does what an entry of the outbox asks for, however often it is asked, and removes the entry when it is done.</summary>
interface IOutboxHandler
{
    /// <summary>Throws whatever it fails by: it is tried again later.</summary>
    Task SettleAsync(OutboxEntry entry);
}
