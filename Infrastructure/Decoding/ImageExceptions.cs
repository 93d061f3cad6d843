using Profiles.Infrastructure.Errors;

namespace Profiles.Infrastructure.Decoding;

/// <summary>
/// An image is refused. The message is for the client; the inner exception, when there is one, has the decoder's message, which is for the
/// log only.
/// </summary>
abstract class ImageRefusedException(ErrorCode error, string? message = null, Exception? inner = null)
    : Exception(message ?? error.Sentence, inner)
{
    /// <summary>The error that the client gets.</summary>
    public ErrorCode Error => error;

    /// <summary>The exceeded limit under its name in the upload policy, as a member of the problem.</summary>
    public IReadOnlyDictionary<string, object?> Limit { get; protected init; } = new Dictionary<string, object?>();
}

/// <summary>The bytes are not a whole image of an accepted format.</summary>
sealed class InvalidImageException(Exception? inner = null) : ImageRefusedException(ErrorCodes.InvalidImage, inner: inner)
{
    /// <summary>Creates the exception for a format that is not accepted.</summary>
    public static InvalidImageException OfAnotherFormat() =>
        new() { Limit = new Dictionary<string, object?> { ["types"] = ImageFormats.MediaTypes } };
}

/// <summary>The image's header declares more pixels than are decoded.</summary>
sealed class TooManyPixelsException : ImageRefusedException
{
    /// <param name="limit">The limit in pixels.</param>
    /// <param name="ofAllFrames">Whether it limits all frames of an animation together instead of one.</param>
    public TooManyPixelsException(long limit, bool ofAllFrames)
        : base(
            ErrorCodes.TooManyPixels,
            (ofAllFrames ? "All frames of a picture together have" : "A picture has")
            + FormattableString.Invariant($" at most {limit} pixels.")) =>
        Limit = new Dictionary<string, object?> { [ofAllFrames ? "max_pixels_of_all_frames" : "max_pixels"] = limit };
}

/// <summary>Decoding the image exceeds the time or memory limit, or ends the worker.</summary>
sealed class ImageTooCostlyException(Exception inner) : ImageRefusedException(ErrorCodes.ImageTooCostly, inner: inner);

/// <summary>A decoder refuses an image; its message may quote what the image contains.</summary>
sealed class DecoderException(string message) : Exception(message);
