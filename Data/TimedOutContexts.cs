using System.Runtime.CompilerServices;
using Microsoft.EntityFrameworkCore;

namespace Profiles.Data;

/// <summary>
/// Remembers the requests that timed out waiting for the database. They do not wait again, so that cleaning up after the failure stays
/// within the deadline.
/// </summary>
sealed class TimedOutContexts
{
    // The pool lends a context to one request after the other.
    readonly ConditionalWeakTable<DbContext, object> leases = [];

    public void Add(DbContext? context)
    {
        if (context is not null)
            leases.AddOrUpdate(context, context.ContextId);
    }

    public bool Contains(DbContext? context) =>
        context is not null && leases.TryGetValue(context, out var lease) && lease.Equals(context.ContextId);
}
