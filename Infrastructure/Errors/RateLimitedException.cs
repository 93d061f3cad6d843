namespace Profiles.Infrastructure.Errors;

/// <summary>A rate limit is exceeded. Answered 429 with <c>Retry-After</c>.</summary>
sealed class RateLimitedException(TimeSpan wait) : Exception("Too many requests.")
{
    /// <summary>How long to wait before a retry.</summary>
    public TimeSpan Wait => wait;
}
