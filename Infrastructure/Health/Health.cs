using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace Profiles.Infrastructure.Health;

/// <summary>Whether the service is alive, or ready.</summary>
/// <param name="Status">`degraded` when images cannot be stored and everything else works.</param>
/// <param name="Checks">The result of each check: `ok` or `failed`.</param>
/// <param name="Pending">With readiness: the number of mails and webhooks to send and of changes to complete in an image storage.</param>
sealed record Health(
    [property: AllowedValues("ok", "degraded")] string Status,
    [property: AllowedValues("ok", "failed")] IReadOnlyDictionary<string, string> Checks,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] int? Pending = null);
