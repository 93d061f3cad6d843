namespace Profiles.Data;

/// <summary>The image of a profile, as far as serving it needs; both are null when there is none.</summary>
/// <param name="Key">See <see cref="ProfileImage.Key"/>.</param>
/// <param name="Url">See <see cref="ProfileImage.Url"/>.</param>
sealed record ImageReference(string? Key, string? Url);

/// <summary>The image that a profile shows, and what a client wants to know before it loads it.</summary>
sealed record ProfileImage
{
    /// <summary>The longest storage key, with room.</summary>
    public const int KeyMaxLength = 100;

    public const int UrlMaxLength = 500;

    /// <summary>About 25 bytes in Base64, with room.</summary>
    public const int ThumbhashMaxLength = 100;

    /// <summary><c>#rrggbb</c>.</summary>
    public const int DominantColorMaxLength = 7;

    /// <summary>What <see cref="Url"/> begins with for an image in a bucket of S3; the key follows.</summary>
    public const string S3Scheme = "s3:";

    /// <summary>The image's key in its storage.</summary>
    public required string Key { get; init; }

    /// <summary>
    /// The image's address: absolute when another service serves it, a path from <c>/</c> on when this service does, and
    /// <see cref="S3Scheme"/> with the key when the settings tell the address.
    /// </summary>
    public required string Url { get; init; }

    /// <summary>In pixels; 0 for an image uploaded before sizes were stored.</summary>
    public required int Width { get; init; }

    /// <summary>In pixels.</summary>
    public required int Height { get; init; }

    /// <summary>The file's size.</summary>
    public required int Bytes { get; init; }

    /// <summary>In Base64.</summary>
    public required string Thumbhash { get; init; }

    /// <summary><c>#rrggbb</c>.</summary>
    public required string DominantColor { get; init; }

    /// <summary>When it was uploaded, UTC.</summary>
    public required DateTime UpdatedAt { get; init; }

    /// <summary>Whether local storage has it; the setting may have changed since.</summary>
    public bool IsLocal => Url is ['/', ..];

    /// <summary>Whether a bucket of S3 has it; the setting may have changed since.</summary>
    public bool IsInS3 => Url.StartsWith(S3Scheme, StringComparison.Ordinal);
}
