namespace Profiles.Infrastructure.Idempotency;

/// <summary>Says of a route that a request with an <c>Idempotency-Key</c> is carried out once, however often it is sent (draft-ietf-httpapi-idempotency-key-header).</summary>
/// <param name="LongestBody">In bytes; null for JSON, which is small enough to be read before.</param>
sealed record Idempotent(long? LongestBody);
