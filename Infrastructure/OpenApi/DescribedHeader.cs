using NJsonSchema;

namespace Profiles.Infrastructure.OpenApi;

/// <summary>Route metadata: a header of the request or of the answers that does not follow from a status.</summary>
/// <param name="Name">The header's name.</param>
/// <param name="Description">One sentence.</param>
/// <param name="Limit">Restricts the value's schema.</param>
/// <param name="IsAnswered">Whether it is a header of successful answers and not of the request.</param>
sealed record DescribedHeader(string Name, string Description, Action<JsonSchema> Limit, bool IsAnswered = false);
