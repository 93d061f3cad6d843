using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;

namespace Profiles.Infrastructure.Images.S3;

/// <summary>
/// Makes the addresses of objects: public ones, or presigned ones (AWS Signature Version 4). A presigned address is that of a rounded time,
/// so that it is the same in every answer and from every instance for half of its lifetime, and caches can use it.
/// </summary>
sealed class S3Addresses(IOptions<S3Options> options, TimeProvider clock)
{
    const string Algorithm = "AWS4-HMAC-SHA256";

    readonly S3Options settings = options.Value;

    /// <summary>The address of an image, or of its variant of the given side; null when no bucket is configured any more.</summary>
    public string? Of(string key, int? side)
    {
        var name = S3ImageStorage.NameOf(settings.Prefix, key, side);
        return settings.Bucket is null ? null
            : settings.PublicAddress is { } address ? $"{address.TrimEnd('/')}/{name}"
            : Presign(name, SignedAt(key));
    }

    /// <summary>What changes when the address does, for the tag of a profile: the signature itself depends on the instance's key.</summary>
    public string VersionOf(string key) => settings.PublicAddress is null
        ? string.Create(CultureInfo.InvariantCulture, $"{key} {SignedAt(key).ToUnixTimeSeconds()}")
        : key;

    // Not at the same moment for all images: every cache would load all of them again at once.
    DateTimeOffset SignedAt(string key)
    {
        var step = Math.Max((long)settings.PresignedLifetime.TotalSeconds / 2, 1);
        var offset = long.Parse(key[..8], NumberStyles.HexNumber, CultureInfo.InvariantCulture) % step;
        var now = clock.GetUtcNow().ToUnixTimeSeconds() - offset;
        return DateTimeOffset.FromUnixTimeSeconds(now - (now % step) + offset);
    }

    // The SDK signs for the present second only.
    string Presign(string name, DateTimeOffset time)
    {
        var (day, second) = (Text(time, "yyyyMMdd"), Text(time, "yyyyMMdd'T'HHmmss'Z'"));
        var scope = $"{day}/{settings.Region}/s3/aws4_request";
        var query = $"X-Amz-Algorithm={Algorithm}&X-Amz-Credential={Uri.EscapeDataString($"{settings.AccessKey}/{scope}")}"
            + string.Create(
                CultureInfo.InvariantCulture, $"&X-Amz-Date={second}&X-Amz-Expires={(long)settings.PresignedLifetime.TotalSeconds}")
            + "&X-Amz-SignedHeaders=host";
        var address = new Uri($"{settings.BucketAddress}/{name}");
        var request = $"GET\n{address.AbsolutePath}\n{query}\nhost:{address.Authority}\n\nhost\nUNSIGNED-PAYLOAD";
        var toSign = $"{Algorithm}\n{second}\n{scope}\n{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(request)))}";
        var key = Encoding.UTF8.GetBytes($"AWS4{settings.SecretKey}");
        foreach (var part in (string[])[day, settings.Region, "s3", "aws4_request"])
            key = Sign(key, part);
        return $"{address.AbsoluteUri}?{query}&X-Amz-Signature={Convert.ToHexStringLower(Sign(key, toSign))}";
    }

    static byte[] Sign(byte[] key, string text) => HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(text));

    static string Text(DateTimeOffset time, string format) => time.UtcDateTime.ToString(format, CultureInfo.InvariantCulture);
}
