using System.ComponentModel.DataAnnotations;

namespace Profiles.Infrastructure.Images;

/// <summary>Where images are stored.</summary>
public enum ImageStorageKind
{
    Local,
    Cloudinary,
    S3,
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
    /// Whether a local image is served only at its full address, with the right <c>v</c>. <c>false</c> also serves the bare path.
    /// </summary>
    /// <value><c>true</c>; in Development <c>false</c></value>
    public bool? RequireVersion { get; set; }

    /// <summary>The largest upload in bytes, 1024 to 209715200.</summary>
    [Range(typeof(long), "1024", "209715200")]
    public long MaxBytes { get; set; } = 20 * 1024 * 1024;

    /// <summary>
    /// How old an unfinished change of an image must be before the outbox completes or undoes it, 00:00:01 to 1.00:00:00. Longer than
    /// <c>Cloudinary__Timeout</c> and twice <c>S3__Timeout</c>.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan Grace { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>How long an upload may take to arrive before it is answered 408, 00:00:01 to 01:00:00.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan UploadTimeout { get; set; } = TimeSpan.FromMinutes(2);
}
