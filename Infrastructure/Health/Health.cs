using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace Profiles.Infrastructure.Health;

/// <summary>Whether the service lives, or can do its work.</summary>
/// <param name="Status">`degraded` when images cannot be stored and everything else goes on.</param>
/// <param name="Checks">What was looked at: each `ok` or `failed`.</param>
/// <param name="Pending">With readiness: mails that are still to be sent, and changes of images that are still to be ended in their storage.</param>
sealed record Health(
    [property: AllowedValues("ok", "degraded")] string Status,
    [property: AllowedValues("ok", "failed")] IReadOnlyDictionary<string, string> Checks,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] int? Pending = null);
