namespace Profiles.Data;

/// <summary>How often something happened in the present window of time: the count that all instances share.</summary>
sealed class RateLimit
{
    /// <summary>SHA-256 of what is limited and whom: no address is kept.</summary>
    public required byte[] KeyHash { get; init; }

    public required int Count { get; init; }

    /// <summary>When the window ends and the count begins anew, UTC.</summary>
    public required DateTime EndsAt { get; init; }
}
