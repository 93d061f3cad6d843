using System.ComponentModel.DataAnnotations;

namespace Profiles.Features.UploadPolicy;

/// <summary>The limits of an image, which an app can check before an upload, and the sizes that are stored.</summary>
/// <param name="Types">Media types of the accepted formats; the bytes decide, not the declared type.</param>
/// <param name="MaxBytes">A larger file gets 413.</param>
/// <param name="MaxPixels">Width times height; more pixels get 400.</param>
/// <param name="MaxSide">The longest side of the stored image, in pixels.</param>
/// <param name="Variants">The sides of the square variants, in pixels.</param>
sealed record UploadPolicyResponse(
    IReadOnlyList<string> Types,
    [property: Range(1, double.MaxValue)] long MaxBytes,
    [property: Range(1, double.MaxValue)] long MaxPixels,
    [property: Range(1, ushort.MaxValue)] int MaxSide,
    IReadOnlyList<int> Variants);
