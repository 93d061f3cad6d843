namespace Profiles.Data;

/// <summary>What a user shows: a name and perhaps a picture (seed 000's <c>user_profiles</c>).</summary>
sealed class UserProfile
{
    public const int NameMaxLength = 100;

    public long UserId { get; init; }

    public required string Name { get; set; }

    /// <summary>Null when there is none.</summary>
    public ProfileImage? Image { get; set; }

    /// <summary>Counts the changes; guards each of them against a change in between.</summary>
    public int Version { get; private set; }

    /// <summary>UTC.</summary>
    public DateTime UpdatedAt { get; private set; }

    /// <summary>Notes that a change is made; the context calls it for whatever it saves.</summary>
    public void Touch(DateTime utcNow)
    {
        Version++;
        UpdatedAt = utcNow;
    }
}
