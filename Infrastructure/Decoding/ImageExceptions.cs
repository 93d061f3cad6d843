using Profiles.Infrastructure.Errors;

namespace Profiles.Infrastructure.Decoding;

/// <summary>A picture is not taken. The message is for the client; the inner exception, when there is one, has the decoder's own words: for the log, never for the client.</summary>
abstract class ImageRefusedException(ErrorCode error, string? message = null, Exception? inner = null) : Exception(message ?? error.Sentence, inner)
{
    /// <summary>What the client is answered.</summary>
    public ErrorCode Error => error;

    /// <summary>Members that the problem carries: the limit that was broken, by its name in the upload policy.</summary>
    public IReadOnlyDictionary<string, object?> Limit { get; protected init; } = new Dictionary<string, object?>();
}

/// <summary>The bytes are not a whole picture of a format on the list.</summary>
sealed class InvalidImageException(Exception? inner = null) : ImageRefusedException(ErrorCodes.InvalidImage, inner: inner)
{
    /// <summary>Its format is not on the list.</summary>
    public static InvalidImageException OfAnotherFormat() => new() { Limit = new Dictionary<string, object?> { ["types"] = ImageFormats.MediaTypes } };
}

/// <summary>The picture's header promises more pixels than are decoded.</summary>
sealed class TooManyPixelsException : ImageRefusedException
{
    /// <param name="limit">The limit that was passed, in pixels.</param>
    /// <param name="ofAllFrames">Whether the limit is that of all frames of an animation together, and not of one.</param>
    public TooManyPixelsException(long limit, bool ofAllFrames)
        : base(ErrorCodes.TooManyPixels, FormattableString.Invariant($"{(ofAllFrames ? "All frames of a picture together have" : "A picture has")} at most {limit} pixels."))
    {
        OfAllFrames = ofAllFrames;
        Limit = new Dictionary<string, object?> { [ofAllFrames ? "max_pixels_of_all_frames" : "max_pixels"] = limit };
    }

    /// <summary>Whether the limit is that of all frames of an animation together, and not of one.</summary>
    public bool OfAllFrames { get; }
}

/// <summary>Decoding the picture took more time or memory than one may take, or ended the decoder.</summary>
sealed class ImageTooCostlyException(Exception inner) : ImageRefusedException(ErrorCodes.ImageTooCostly, inner: inner);

/// <summary>What a decoder said of an image that it refused; it may quote what the image contains.</summary>
sealed class DecoderException(string message) : Exception(message);
