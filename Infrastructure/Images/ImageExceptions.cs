namespace Profiles.Infrastructure.Images;

/// <summary>
/// The bytes are not a whole picture of a format on the list. The inner exception, when there is one, has the
/// decoder's own words: for the log, never for the client.
/// </summary>
sealed class InvalidImageException(Exception? inner = null) : Exception("Invalid file format", inner);

/// <summary>The picture's header promises more pixels than are decoded.</summary>
/// <param name="limit">The limit that was passed: of one frame, or of all frames of an animation together.</param>
sealed class TooManyPixelsException(long limit)
    : Exception(FormattableString.Invariant($"The picture has more than {limit} pixels."))
{
    /// <summary>The limit that was passed, in pixels.</summary>
    public long Limit { get; } = limit;
}
