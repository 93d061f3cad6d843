namespace Profiles.Data;

/// <summary>What a user shows: a name and perhaps a picture (seed 000's <c>user_profiles</c>).</summary>
sealed class UserProfile
{
    public const int NameMaxLength = 100;

    /// <summary>The longest of the storages' keys, with room.</summary>
    public const int ImageKeyMaxLength = 100;

    public const int ImageUrlMaxLength = 500;

    public long UserId { get; init; }

    public required string Name { get; set; }

    /// <summary>What the image storage knows the picture by; null when there is none.</summary>
    public string? ImageKey { get; set; }

    /// <summary>Where the picture is: absolute when another service serves it, from <c>/</c> on when we do.</summary>
    public string? ImageUrl { get; set; }

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
