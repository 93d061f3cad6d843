using System.Security.Cryptography;

namespace Profiles.Infrastructure.Decoding.Worker.Protocol;

/// <summary>An image as it is stored: an upright sRGB JPEG without metadata, and what was made of it for screens.</summary>
/// <param name="Jpeg">The image.</param>
/// <param name="Width">In pixels.</param>
/// <param name="Height">In pixels.</param>
/// <param name="ThumbHash">A blurred likeness in about 25 bytes (https://evanw.github.io/thumbhash/).</param>
/// <param name="DominantColor">The commonest colour, as <c>#rrggbb</c>.</param>
/// <param name="Variants">Squares cut out of its middle as JPEGs, in the order of <see cref="Sides"/>.</param>
public sealed record ProcessedImage(
    byte[] Jpeg, int Width, int Height, byte[] ThumbHash, string DominantColor, IReadOnlyList<byte[]> Variants)
{
    /// <summary>The sides of the square variants in pixels; a smaller image gives smaller ones.</summary>
    public static readonly IReadOnlyList<int> Sides = [96, 256, 512];

    /// <summary>The first 8 hex digits of the content's SHA-256: its name in the local storage.</summary>
    public string Version { get; } = VersionOf(Jpeg);

    /// <summary>The <see cref="Version"/> of a stored image.</summary>
    public static string VersionOf(byte[] jpeg) => Convert.ToHexStringLower(SHA256.HashData(jpeg))[..8];
}
