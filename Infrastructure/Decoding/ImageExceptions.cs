namespace Profiles.Infrastructure.Decoding;

/// <summary>
/// The bytes are not a whole picture of a format on the list. The inner exception, when there is one, has the
/// decoder's own words: for the log, never for the client.
/// </summary>
sealed class InvalidImageException(Exception? inner = null) : Exception("Invalid file format", inner);

/// <summary>The picture's header promises more pixels than are decoded.</summary>
/// <param name="limit">The limit that was passed, in pixels.</param>
/// <param name="ofAllFrames">Whether the limit is that of all frames of an animation together, and not of one.</param>
sealed class TooManyPixelsException(long limit, bool ofAllFrames)
    : Exception(FormattableString.Invariant($"The picture has more than {limit} pixels."))
{
    /// <summary>The limit that was passed, in pixels.</summary>
    public long Limit { get; } = limit;

    /// <summary>Whether the limit is that of all frames of an animation together, and not of one.</summary>
    public bool OfAllFrames { get; } = ofAllFrames;
}

/// <summary>Decoding the picture took more time or memory than one may take, or ended the decoder.</summary>
sealed class ImageTooCostlyException(Exception inner) : Exception("The picture could not be decoded within the limits of time and memory.", inner);
