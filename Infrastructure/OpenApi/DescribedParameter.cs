using NJsonSchema;

namespace Profiles.Infrastructure.OpenApi;

/// <summary>Route metadata: a parameter that the route reads itself, so that no request type describes it.</summary>
/// <param name="Name">Its name in the route or the query.</param>
/// <param name="Description">One sentence.</param>
/// <param name="Limit">Restricts the value's schema; null when its type is enough.</param>
/// <param name="IsQuery">Whether it is one of the query that no signature has; the limit then sets its type.</param>
sealed record DescribedParameter(string Name, string Description, Action<JsonSchema>? Limit = null, bool IsQuery = false);

/// <summary>Route metadata: the largest file in the route's form, in bytes.</summary>
sealed record LargestFile(long Bytes);
