namespace Profiles.Infrastructure.Errors;

/// <summary>Too many requests of an expensive kind wait already: answered 503 with <c>Retry-After</c>.</summary>
sealed class BusyException() : Exception("Too many requests of this kind are waiting.");
