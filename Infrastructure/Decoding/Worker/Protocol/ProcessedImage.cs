using System.Security.Cryptography;

namespace Profiles.Infrastructure.Decoding.Worker.Protocol;

/// <summary>A stored image: an upright sRGB JPEG without metadata, its variants, and its description for apps.</summary>
/// <param name="Jpeg">The image.</param>
/// <param name="Width">The width in pixels.</param>
/// <param name="Height">The height in pixels.</param>
/// <param name="ThumbHash">A blurred preview in about 25 bytes (https://evanw.github.io/thumbhash/).</param>
/// <param name="DominantColor">The most common colour as <c>#rrggbb</c>.</param>
/// <param name="Variants">Squares of the image's centre as JPEGs, in the order of <see cref="Sides"/>.</param>
public sealed record ProcessedImage(
    byte[] Jpeg, int Width, int Height, byte[] ThumbHash, string DominantColor, IReadOnlyList<byte[]> Variants)
{
    /// <summary>The sides of the square variants in pixels; a smaller image has smaller ones.</summary>
    public static readonly IReadOnlyList<int> Sides = [96, 256, 512];

    /// <summary>The first 8 hex digits of the content's SHA-256: its name in the local storage.</summary>
    public string Version { get; } = VersionOf(Jpeg);

    /// <summary>Returns the <see cref="Version"/> of a stored image.</summary>
    public static string VersionOf(byte[] jpeg) => Convert.ToHexStringLower(SHA256.HashData(jpeg))[..8];
}
