using Profiles.Infrastructure.Errors;

namespace Profiles.Infrastructure.Decoding;

/// <summary>
/// An image is refused. The message is for the client; the inner exception, when there is one, has the decoder's message: for the log,
/// never for the client.
/// </summary>
abstract class ImageRefusedException(ErrorCode error, string? message = null, Exception? inner = null)
    : Exception(message ?? error.Sentence, inner)
{
    /// <summary>What the client is answered.</summary>
    public ErrorCode Error => error;

    /// <summary>The limit that the image exceeds, by its name in the upload policy, as a member of the problem.</summary>
    public IReadOnlyDictionary<string, object?> Limit { get; protected init; } = new Dictionary<string, object?>();
}

/// <summary>The bytes are no whole image of a format on the list.</summary>
sealed class InvalidImageException(Exception? inner = null) : ImageRefusedException(ErrorCodes.InvalidImage, inner: inner)
{
    /// <summary>Its format is not on the list.</summary>
    public static InvalidImageException OfAnotherFormat() =>
        new() { Limit = new Dictionary<string, object?> { ["types"] = ImageFormats.MediaTypes } };
}

/// <summary>The image's header promises more pixels than are decoded.</summary>
sealed class TooManyPixelsException : ImageRefusedException
{
    /// <param name="limit">In pixels.</param>
    /// <param name="ofAllFrames">Whether it is the limit of all frames of an animation together, and not of one.</param>
    public TooManyPixelsException(long limit, bool ofAllFrames)
        : base(
            ErrorCodes.TooManyPixels,
            (ofAllFrames ? "All frames of a picture together have" : "A picture has")
            + FormattableString.Invariant($" at most {limit} pixels.")) =>
        Limit = new Dictionary<string, object?> { [ofAllFrames ? "max_pixels_of_all_frames" : "max_pixels"] = limit };
}

/// <summary>Decoding the image takes more time or memory than it may take, or ends the worker.</summary>
sealed class ImageTooCostlyException(Exception inner) : ImageRefusedException(ErrorCodes.ImageTooCostly, inner: inner);

/// <summary>A decoder refuses an image; its message may quote what the image contains.</summary>
sealed class DecoderException(string message) : Exception(message);
