using NJsonSchema;

namespace Profiles.Infrastructure.OpenApi;

/// <summary>What a route says of a header that it takes or answers, where no status tells it.</summary>
/// <param name="Name">The header.</param>
/// <param name="Description">One sentence.</param>
/// <param name="Limit">Says what it may be.</param>
/// <param name="IsAnswered">Whether it is a header of the answers that say that something was done, and not of the request.</param>
sealed record DescribedHeader(string Name, string Description, Action<JsonSchema> Limit, bool IsAnswered = false);
