using System.ComponentModel.DataAnnotations;
using Profiles.Data;
using Profiles.Infrastructure.Paging;

namespace Profiles.Features.ListAudit;

/// <param name="Entries">The entries, the latest first.</param>
/// <param name="NextCursor">Continues the list with earlier entries; null at its end.</param>
sealed record ListAuditResponse(
    [property: MaxLength(Page.MostLimit)] IReadOnlyList<ListAuditEntry> Entries,
    [property: MaxLength(Page.CursorMaxLength)] string? NextCursor);

/// <param name="Id">The entry's id.</param>
/// <param name="At">When it was done.</param>
/// <param name="Actor">`key:` and the name of an admin key, or `command:` and the name of the operating system's user.</param>
/// <param name="Action">What was done, such as `user.disabled`; more may be added.</param>
/// <param name="UserId">The user whom it concerns, who may be deleted by now; null when it concerns none.</param>
/// <param name="Detail">More of it, such as the name of a key; null when there is none.</param>
sealed record ListAuditEntry(
    [property: Range(1, double.MaxValue)] long Id,
    DateTime At,
    [property: MaxLength(AuditEntry.ActorMaxLength)] string Actor,
    [property: MaxLength(AuditEntry.ActionMaxLength)] string Action,
    [property: Range(1, double.MaxValue)] long? UserId,
    [property: MaxLength(AuditEntry.DetailMaxLength)] string? Detail);
