namespace Profiles.Infrastructure.Images;

/// <summary>Where images are stored.</summary>
public enum ImageStorageKind
{
    Local,
    Cloudinary,
}

/// <summary>Settings of images.</summary>
public sealed class ImagesOptions
{
    /// <summary>Where images are stored.</summary>
    /// <value><c>Cloudinary</c> when <c>CLOUDINARY_URL</c> is set, else <c>Local</c></value>
    public ImageStorageKind? Storage { get; set; }

    /// <summary>The directory of local images; an image is <c>profile/&lt;user_id&gt;.jpg</c> in it.</summary>
    public string Directory { get; set; } = "static";

    /// <summary>
    /// Whether a local image is served only at its whole address, with the right <c>v</c>. <c>false</c> also serves the bare path.
    /// </summary>
    /// <value><c>true</c>; in Development <c>false</c></value>
    public bool? RequireVersion { get; set; }

    /// <summary>The largest upload in bytes, 1024 to 209715200.</summary>
    public long MaxBytes { get; set; } = 20 * 1024 * 1024;

    /// <summary>
    /// The most pixels in one frame, 1 to 500000000; all frames together may have ten times as many. Refused by the header, before
    /// decoding.
    /// </summary>
    public long MaxPixels { get; set; } = 100_000_000;

    /// <summary>The longest side of a stored image in pixels, 16 to 8192.</summary>
    public int MaxSide { get; set; } = 1024;

    /// <summary>The number of processes that decode images, 1 to 256.</summary>
    /// <value>The number of processors</value>
    public int Workers { get; set; } = Environment.ProcessorCount;

    /// <summary>The writable memory of one worker in bytes, 268435456 to 68719476736. An image that needs more is refused.</summary>
    public long WorkerMemory { get; set; } = 1024 * 1024 * 1024;

    /// <summary>The number of images after which a worker is replaced by a fresh process, 1 to 1000000.</summary>
    public int WorkerPictures { get; set; } = 250;

    /// <summary>How long the decoding of one image may take before it is refused, 00:00:01 to 00:05:00.</summary>
    public TimeSpan DecodeTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long an interrupted change of an image is left alone before what it left behind is cleaned up, 00:00:01 to 1.00:00:00. Longer
    /// than <c>Cloudinary__Timeout</c>.
    /// </summary>
    public TimeSpan Grace { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// The memory in bytes that all arriving and waiting uploads share; beyond it they are answered 503. At least 1 MiB more than <see
    /// cref="MaxBytes"/>.
    /// </summary>
    public long UploadMemory { get; set; } = 256 * 1024 * 1024;

    /// <summary>How long an upload may take to arrive before it is answered 408, 00:00:01 to 01:00:00.</summary>
    public TimeSpan UploadTimeout { get; set; } = TimeSpan.FromMinutes(2);
}

/// <summary>Settings of Cloudinary.</summary>
public sealed class CloudinaryOptions
{
    /// <summary><c>cloudinary://key:secret@cloud</c>, from the variable <c>CLOUDINARY_URL</c>.</summary>
    internal string? Url { get; set; }

    /// <summary>The address of Cloudinary's API, without a path.</summary>
    /// <value>The real service</value>
    public string? ApiBaseAddress { get; set; }

    /// <summary>How long one call to Cloudinary may take, 00:00:00.001 to 00:05:00.</summary>
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
