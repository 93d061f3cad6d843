using System.Runtime.CompilerServices;
using Microsoft.EntityFrameworkCore;

namespace Profiles.Data;

/// <summary>
/// Which requests' contexts have waited for the database in vain. They do not wait again: a request that tidies up after its failure is answered within the deadline, too.
/// </summary>
sealed class VainWaits
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
