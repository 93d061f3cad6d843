namespace Profiles.Data;

/// <summary>What a profile's row says of its image to whoever serves it; both are null when there is none.</summary>
/// <param name="Key">See <see cref="ProfileImage.Key"/>.</param>
/// <param name="Url">See <see cref="ProfileImage.Url"/>.</param>
sealed record ImageReference(string? Key, string? Url);

/// <summary>The picture that a profile shows, and what a phone wants to know of it before it loads it.</summary>
sealed record ProfileImage
{
    /// <summary>The longest of the storages' keys, with room.</summary>
    public const int KeyMaxLength = 100;

    public const int UrlMaxLength = 500;

    /// <summary>About 25 bytes in Base64, with room.</summary>
    public const int ThumbhashMaxLength = 100;

    /// <summary><c>#rrggbb</c>.</summary>
    public const int DominantColorMaxLength = 7;

    /// <summary>What the image storage knows the picture by.</summary>
    public required string Key { get; init; }

    /// <summary>Where the picture is: absolute when another service serves it, from <c>/</c> on when we do.</summary>
    public required string Url { get; init; }

    /// <summary>In pixels; 0 for one that was put up before sizes were kept.</summary>
    public required int Width { get; init; }

    /// <summary>In pixels.</summary>
    public required int Height { get; init; }

    /// <summary>The file's size.</summary>
    public required int Bytes { get; init; }

    /// <summary>In Base64.</summary>
    public required string Thumbhash { get; init; }

    /// <summary><c>#rrggbb</c>.</summary>
    public required string DominantColor { get; init; }

    /// <summary>When it was put up, UTC.</summary>
    public required DateTime UpdatedAt { get; init; }

    /// <summary>Whether it is in the directory of local pictures; the setting may have changed since.</summary>
    public bool IsLocal => Url is ['/', ..];
}
