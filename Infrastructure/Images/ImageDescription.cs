using System.Globalization;
using Profiles.Infrastructure.Decoding;

namespace Profiles.Infrastructure.Images;

/// <summary>What a client learns of a profile's picture, enough to lay out a screen before the first byte of it arrives.</summary>
/// <param name="Url">The picture itself.</param>
/// <param name="Width">In pixels.</param>
/// <param name="Height">In pixels.</param>
/// <param name="Bytes">The size of the file behind <paramref name="Url"/>.</param>
/// <param name="Thumbhash">A blurred likeness in about 25 bytes, in Base64 (https://evanw.github.io/thumbhash/).</param>
/// <param name="DominantColor">The commonest colour, as <c>#rrggbb</c>.</param>
/// <param name="Variants">Square cuts out of the middle, by their side in pixels.</param>
/// <param name="UpdatedAt">When it was put up.</param>
sealed record ImageDescription(
    string Url, int Width, int Height, int Bytes, string Thumbhash, string DominantColor, IReadOnlyDictionary<string, string> Variants, DateTime UpdatedAt)
{
    const string ExampleVersion = "3f2a9c01d4b85e6f70a1b2c3d4e5f607";

    /// <summary>For the API's document.</summary>
    public static ImageDescription Example { get; } = new(
        $"http://localhost:8000/static/profile/1.jpg?v={ExampleVersion}", 1008, 756, 118203, "2fcZFIB3iId/h3iJh4aIYJ2V8g==", "#60a0c0",
        ProcessedImage.Sides.ToDictionary(
            side => side.ToString(CultureInfo.InvariantCulture),
            side => string.Create(CultureInfo.InvariantCulture, $"http://localhost:8000/static/profile/1_{side}.jpg?v={ExampleVersion}")),
        new(2026, 11, 21, 9, 30, 0, DateTimeKind.Utc));
}
