namespace Profiles.Infrastructure.Errors;

/// <summary>The service cannot take this request now: too many of an expensive kind wait already, or what it needs is away. Answered 503 with <c>Retry-After</c>.</summary>
sealed class BusyException(string message = "Too many requests of this kind are waiting.") : Exception(message);
