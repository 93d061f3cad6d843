using Profiles.Infrastructure.Decoding.Worker.Protocol;

namespace Profiles.Infrastructure.Decoding.Worker;

/// <summary>The image is refused; the message is for the service's log, never for a client.</summary>
/// <param name="answer">What the service is told.</param>
/// <param name="message">Why.</param>
sealed class RefusedException(DecodeAnswer answer, string message) : Exception(message)
{
    public DecodeAnswer Answer => answer;

    /// <summary>The image is damaged or truncated.</summary>
    public static RefusedException Invalid(string message = "The image is damaged or truncated.") => new(DecodeAnswer.Invalid, message);

    /// <summary>A decoder refuses the image with this message.</summary>
    // The decoders have no code for too little memory, but all of them say one of these words.
    public static RefusedException ByDecoder(string message) =>
        message.Contains("memory", StringComparison.OrdinalIgnoreCase) || message.Contains("ResourcesExhausted", StringComparison.Ordinal)
            ? new(DecodeAnswer.OutOfMemory, message) : Invalid(message);
}
