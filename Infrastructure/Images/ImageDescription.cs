using System.ComponentModel.DataAnnotations;
using System.Globalization;
using NJsonSchema;
using NJsonSchema.Annotations;
using NJsonSchema.Generation;
using Profiles.Data;
using Profiles.Infrastructure.Decoding.Worker.Protocol;

namespace Profiles.Infrastructure.Images;

/// <summary>A profile's image as clients see it: enough to lay out a screen before the image itself is loaded.</summary>
/// <param name="Url">The image itself.</param>
/// <param name="Width">In pixels.</param>
/// <param name="Height">In pixels.</param>
/// <param name="Bytes">The size of the file at `url`.</param>
/// <param name="Thumbhash">A blurred preview in about 25 bytes, in Base64 (https://evanw.github.io/thumbhash/).</param>
/// <param name="DominantColor">The most common colour, as `#rrggbb`.</param>
/// <param name="Variants">Squares cropped from the centre, by their side in pixels. A smaller image is not enlarged.</param>
/// <param name="UpdatedAt">When it was uploaded.</param>
[JsonSchemaProcessor(typeof(ImageDescriptionSchema))]
sealed record ImageDescription(
    [property: DataType(DataType.Url)] string Url,
    [property: Range(0, ushort.MaxValue)] int Width,
    [property: Range(0, ushort.MaxValue)] int Height,
    int Bytes,
    [property: MaxLength(ProfileImage.ThumbhashMaxLength), RegularExpression("^[A-Za-z0-9+/]+={0,2}$")] string Thumbhash,
    [property: MaxLength(ProfileImage.DominantColorMaxLength), RegularExpression("^#[0-9a-f]{6}$")] string DominantColor,
    IReadOnlyDictionary<string, string> Variants,
    DateTime UpdatedAt)
{
    const string ExampleVersion = "3f2a9c01d4b85e6f70a1b2c3d4e5f607";

    /// <summary>An example for the API document.</summary>
    public static ImageDescription Example { get; } = new(
        $"http://localhost:8000/static/profile/1.jpg?v={ExampleVersion}", 1008, 756, 118203, "2fcZFIB3iId/h3iJh4aIYJ2V8g==", "#60a0c0",
        ProcessedImage.Sides.ToDictionary(
            side => side.ToString(CultureInfo.InvariantCulture),
            side => string.Create(CultureInfo.InvariantCulture, $"http://localhost:8000/static/profile/1_{side}.jpg?v={ExampleVersion}")),
        new(2026, 11, 21, 9, 30, 0, DateTimeKind.Utc));
}

/// <summary>Lists the variants in the API document.</summary>
public sealed class ImageDescriptionSchema : ISchemaProcessor
{
    public void Process(SchemaProcessorContext context)
    {
        // The processor also runs for each property of the type.
        if (!context.Schema.Properties.TryGetValue("variants", out var variants))
            return;
        var address = variants.AdditionalPropertiesSchema!;
        variants.AdditionalPropertiesSchema = null;
        foreach (var side in ProcessedImage.Sides)
        {
            variants.Properties[side.ToString(CultureInfo.InvariantCulture)] = new()
            {
                Type = JsonObjectType.String,
                Format = JsonFormatStrings.Uri,
                MaxLength = address.MaxLength,
                IsRequired = true,
                Description = $"A square of {side} pixels, cropped from the centre. A smaller image is not enlarged.",
            };
        }
    }
}
