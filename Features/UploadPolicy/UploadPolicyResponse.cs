using System.ComponentModel.DataAnnotations;

namespace Profiles.Features.UploadPolicy;

/// <summary>What an image may be, so that an app can check it before it sends it, and what becomes of it.</summary>
/// <param name="Types">Media types of the formats that are accepted; the bytes decide, not the declared type.</param>
/// <param name="MaxBytes">A larger file is 413.</param>
/// <param name="MaxPixels">Width times height; more is 400.</param>
/// <param name="MaxSide">The longest side of the image that is stored, in pixels.</param>
/// <param name="Variants">The sides of the square variants, in pixels.</param>
sealed record UploadPolicyResponse(
    IReadOnlyList<string> Types,
    [property: Range(1, double.MaxValue)] long MaxBytes,
    [property: Range(1, double.MaxValue)] long MaxPixels,
    [property: Range(1, ushort.MaxValue)] int MaxSide,
    IReadOnlyList<int> Variants);
