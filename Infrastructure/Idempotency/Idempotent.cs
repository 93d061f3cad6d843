namespace Profiles.Infrastructure.Idempotency;

/// <summary>
/// Route metadata: a request with an <c>Idempotency-Key</c> runs once, however often it is sent
/// (draft-ietf-httpapi-idempotency-key-header).
/// </summary>
/// <param name="LongestBody">In bytes; null for JSON, which is small enough to be read first.</param>
sealed record Idempotent(long? LongestBody);
