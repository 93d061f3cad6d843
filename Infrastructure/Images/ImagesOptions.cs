namespace Profiles.Infrastructure.Images;

/// <summary>Which storage keeps the pictures.</summary>
public enum ImageStorageKind
{
    Local,
    Cloudinary,
}

/// <summary>Settings of the pictures.</summary>
public sealed class ImagesOptions
{
    /// <summary>Null: Cloudinary when <c>CLOUDINARY_URL</c> is set, else local.</summary>
    public ImageStorageKind? Storage { get; set; }

    /// <summary>Local pictures are <c>&lt;it&gt;/profile/&lt;user_id&gt;.jpg</c>.</summary>
    public string Directory { get; set; } = "static";

    /// <summary>Whether a local image is served only at the address that its profile shows. Null: yes, but in Development, where the seed's bare path is served too.</summary>
    public bool? RequireVersion { get; set; }

    /// <summary>A larger upload is refused, in bytes.</summary>
    public long MaxBytes { get; set; } = 20 * 1024 * 1024;

    /// <summary>A picture whose header promises more pixels is refused before any is decoded.</summary>
    public long MaxPixels { get; set; } = 100_000_000;

    /// <summary>A stored picture's longest side, in pixels.</summary>
    public int MaxSide { get; set; } = 1024;

    /// <summary>How many processes decode pictures at once.</summary>
    public int Workers { get; set; } = Environment.ProcessorCount;

    /// <summary>What the writable memory of one of them may be, in bytes; a picture that needs more is refused.</summary>
    public long WorkerMemory { get; set; } = 1024 * 1024 * 1024;

    /// <summary>After so many pictures a process is replaced by a fresh one.</summary>
    public int WorkerPictures { get; set; } = 250;

    /// <summary>A picture that takes longer to decode is refused.</summary>
    public TimeSpan DecodeTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a change of a picture that was cut short is left alone before what it left behind is cleared up.</summary>
    public TimeSpan Grace { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>What all uploads that arrive and wait may take of the service's memory, in bytes; beyond it they are told to come back.</summary>
    public long UploadMemory { get; set; } = 256 * 1024 * 1024;

    /// <summary>How long an upload may take to arrive; one that takes longer is answered 408, and what it holds is given back.</summary>
    public TimeSpan UploadTimeout { get; set; } = TimeSpan.FromMinutes(2);
}

/// <summary>Settings of Cloudinary.</summary>
public sealed class CloudinaryOptions
{
    /// <summary><c>cloudinary://key:secret@cloud</c>, from the variable <c>CLOUDINARY_URL</c>.</summary>
    internal string? Url { get; set; }

    /// <summary>Where the service's API is; null: the real one.</summary>
    public string? ApiBaseAddress { get; set; }

    /// <summary>How long one call may take.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>What the URL says; null when it says nothing or is none.</summary>
    internal CloudinaryAccount? Account => Uri.TryCreate(Url, UriKind.Absolute, out var uri) && uri.Scheme == "cloudinary" && uri.Host.Length > 0
        && uri.UserInfo.Split(':') is [{ Length: > 0 } key, { Length: > 0 } secret] ? new(uri.Host, key, secret) : null;
}

/// <summary>The account at Cloudinary.</summary>
readonly record struct CloudinaryAccount(string Cloud, string Key, string Secret)
{
    // A record would say its secret.
    public override string ToString() => Cloud;
}
