using System.Security.Cryptography;

namespace Profiles.Infrastructure.Images;

/// <summary>A picture as it is stored: an upright sRGB JPEG without metadata.</summary>
sealed record ProcessedImage(byte[] Jpeg)
{
    /// <summary>The first 8 hex digits of the content's SHA-256: another picture has another address.</summary>
    public string Version { get; } = Convert.ToHexStringLower(SHA256.HashData(Jpeg))[..8];
}
