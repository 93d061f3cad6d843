using NJsonSchema;

namespace Profiles.Infrastructure.OpenApi;

/// <summary>What a route says of a parameter that it reads itself, so that no request type describes it.</summary>
/// <param name="Name">As it stands in the route or in the query.</param>
/// <param name="Description">One sentence.</param>
/// <param name="Limit">Says what it may be; null where its type says enough.</param>
sealed record DescribedParameter(string Name, string Description, Action<JsonSchema>? Limit = null);

/// <summary>Says of a route how large a file in its form may be, in bytes.</summary>
sealed record LargestFile(long Bytes);
