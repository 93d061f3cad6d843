using System.Runtime.CompilerServices;
using Microsoft.EntityFrameworkCore;

namespace Profiles.Data;

/// <summary>
/// Remembers whose wait for the database has timed out. A request does not wait again: one that tidies up after its failure is answered
/// within the deadline, too.
/// </summary>
sealed class TimedOutContexts
{
    // A context is lent to one request after the other.
    readonly ConditionalWeakTable<DbContext, object> leases = [];

    public void Add(DbContext? context)
    {
        if (context is not null)
            leases.AddOrUpdate(context, context.ContextId);
    }

    public bool Contains(DbContext? context) => context is not null && leases.TryGetValue(context, out var lease) && lease.Equals(context.ContextId);
}
