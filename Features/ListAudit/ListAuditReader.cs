using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;

namespace Profiles.Features.ListAudit;

/// <summary>Reads the audit log, the latest entries first.</summary>
static class ListAuditReader
{
    /// <param name="db">The database.</param>
    /// <param name="userId">The user whom the entries concern; null for all.</param>
    /// <param name="since">The time of the earliest entry, UTC; null for all.</param>
    /// <param name="before">The id that all entries are below; null from the latest.</param>
    /// <param name="limit">The most entries.</param>
    /// <param name="ct">Cancels it.</param>
    public static async Task<ListAuditResponse> ReadAsync(
        ProfilesDbContext db, long? userId, DateTime? since, long? before, int limit, CancellationToken ct)
    {
        var entries = db.AuditLog.AsNoTracking();
        entries = userId is { } user ? entries.Where(e => e.UserId == user) : entries;
        entries = since is { } time ? entries.Where(e => e.At >= time) : entries;
        entries = before is { } id ? entries.Where(e => e.Id < id) : entries;
        var found = await entries.OrderByDescending(e => e.Id).Take(limit + 1)
            .Select(e => new ListAuditEntry(e.Id, e.At, e.Actor, e.Action, e.UserId, e.Detail)).ToListAsync(ct);
        return found.Count > limit
            ? new(found[..limit], found[limit - 1].Id.ToString(CultureInfo.InvariantCulture))
            : new(found, null);
    }
}
