namespace Profiles.Infrastructure.Errors;

/// <summary>
/// The service cannot take the request now: too many expensive requests are queued, or a dependency is unavailable. Answered 503 with
/// <c>Retry-After</c>.
/// </summary>
sealed class BusyException(string message = "Too many requests of this kind are waiting.") : Exception(message);
