using System.ComponentModel.DataAnnotations;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Images.Cloudinary;

/// <summary>Settings of Cloudinary.</summary>
public sealed class CloudinaryOptions
{
    /// <summary><c>cloudinary://key:secret@cloud</c>, from the variable <c>CLOUDINARY_URL</c>.</summary>
    internal string? Url { get; set; }

    /// <summary>The address of Cloudinary's API, without a path.</summary>
    /// <value>The real service</value>
    [HttpAddress(mayHavePath: false)]
    public string? ApiBaseAddress { get; set; }

    /// <summary>How long one call to Cloudinary may take, 00:00:00.001 to 00:05:00.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:05:00", MinimumIsExclusive = true,
        ErrorMessage = "{0} must be between 00:00:00.001 and 00:05:00.")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>The account that the URL names; null when the URL is missing or malformed.</summary>
    internal CloudinaryAccount? Account =>
        Uri.TryCreate(Url, UriKind.Absolute, out var uri) && uri.Scheme == "cloudinary" && uri.Host.Length > 0
            && uri.UserInfo.Split(':') is [{ Length: > 0 } key, { Length: > 0 } secret] ? new(uri.Host, key, secret) : null;
}

/// <summary>The account at Cloudinary.</summary>
readonly record struct CloudinaryAccount(string Cloud, string Key, string Secret)
{
    // A record's own ToString would show the secret.
    public override string ToString() => Cloud;
}
