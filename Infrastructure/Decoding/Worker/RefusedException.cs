using Profiles.Infrastructure.Decoding.Worker.Protocol;

namespace Profiles.Infrastructure.Decoding.Worker;

/// <summary>The image is refused; the message is for the service's log only.</summary>
/// <param name="answer">The answer to the service.</param>
/// <param name="message">The reason.</param>
sealed class RefusedException(DecodeAnswer answer, string message) : Exception(message)
{
    public DecodeAnswer Answer => answer;

    public static RefusedException Invalid(string message = "The image is damaged or truncated.") => new(DecodeAnswer.Invalid, message);

    /// <summary>Creates the exception for a decoder's error message.</summary>
    // The decoders have no code for too little memory, but all of them use one of these words.
    public static RefusedException ByDecoder(string message) =>
        message.Contains("memory", StringComparison.OrdinalIgnoreCase) || message.Contains("ResourcesExhausted", StringComparison.Ordinal)
            ? new(DecodeAnswer.OutOfMemory, message) : Invalid(message);
}
