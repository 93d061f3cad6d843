using System.ComponentModel.DataAnnotations;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Images.S3;

/// <summary>Settings of a bucket of Amazon S3 or of a service that speaks its protocol.</summary>
public sealed class S3Options
{
    /// <summary>The bucket, which must exist. Its content may move to another bucket, endpoint or prefix with these settings.</summary>
    [RegularExpression("^[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]$", ErrorMessage = "{0} must be the name of a bucket.")]
    public string? Bucket { get; set; }

    /// <summary>The address of the service, without a path.</summary>
    /// <value><c>https://s3.&lt;S3__Region&gt;.amazonaws.com</c></value>
    [HttpAddress(mayHavePath: false)]
    public string? Endpoint { get; set; }

    /// <summary>The region that requests are signed for; some services call it <c>auto</c>.</summary>
    [RegularExpression("^[a-z0-9-]{1,50}$", ErrorMessage = "{0} must be the name of a region.")]
    public string Region { get; set; } = "us-east-1";

    /// <summary>The id of the access key.</summary>
    /// <value>AWS's own chain: environment, profile, web identity, container or instance role; with <c>S3__PublicAddress</c> only</value>
    public string? AccessKey { get; set; }

    /// <summary>The secret of the access key.</summary>
    /// <value>with <c>S3__AccessKey</c></value>
    public string? SecretKey { get; set; }

    /// <summary>Whether the bucket is in the path instead of the host name.</summary>
    /// <value><c>true</c> when <c>S3__Endpoint</c> is set, else <c>false</c></value>
    public bool? PathStyle { get; set; }

    /// <summary>What the names of all objects begin with.</summary>
    [RegularExpression("^[A-Za-z0-9._-][A-Za-z0-9._/-]{0,199}$",
        ErrorMessage = "{0} must be 1 to 200 letters, digits, full stops, hyphens, underscores and slashes, and not begin with a slash.")]
    public string Prefix { get; set; } = "profile_images/";

    /// <summary>
    /// What the addresses of images begin with, before the prefix: that of the bucket or of a CDN, where everybody can read.
    /// </summary>
    /// <value>none: addresses are presigned, and nobody else can read the bucket</value>
    [HttpAddress(mayHavePath: true)]
    public string? PublicAddress { get; set; }

    /// <summary>
    /// How long a presigned address loads at most, 00:00:02 to 7.00:00:00. It is the same for half of that time, and so loads for at least
    /// the other half.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:02", "7.00:00:00")]
    public TimeSpan PresignedLifetime { get; set; } = TimeSpan.FromDays(2);

    /// <summary>How long one call to the service may take with its retries, 00:00:00.001 to 00:05:00.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:05:00", MinimumIsExclusive = true,
        ErrorMessage = "{0} must be between 00:00:00.001 and 00:05:00.")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>The address of the service that is called.</summary>
    internal string Service => (Endpoint ?? $"https://s3.{Region}.amazonaws.com").TrimEnd('/');

    /// <summary>The address of the bucket, without a slash at its end.</summary>
    internal string BucketAddress => PathStyle is true
        ? $"{Service}/{Bucket}"
        : Service.Replace("://", $"://{Bucket}.", StringComparison.Ordinal);
}
