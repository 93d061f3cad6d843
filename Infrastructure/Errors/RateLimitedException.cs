namespace Profiles.Infrastructure.Errors;

/// <summary>Somebody has done too much of this. Answered 429 with <c>Retry-After</c>.</summary>
sealed class RateLimitedException(TimeSpan wait) : Exception("Too many of this kind.")
{
    /// <summary>When it may be tried again.</summary>
    public TimeSpan Wait => wait;
}
