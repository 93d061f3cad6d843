using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.WebUtilities;

namespace Profiles.Infrastructure.Errors;

/// <summary>Every error (RFC 9457).</summary>
/// <param name="Type">What kind of problem it is; always `about:blank`.</param>
/// <param name="Title">The status in words.</param>
/// <param name="Status">The HTTP status.</param>
/// <param name="Detail">One sentence for a person.</param>
/// <param name="Code">What kind of problem it is, for programs; more may join.</param>
/// <param name="TraceId">The id under which the service's log has it.</param>
// For the API's document; Problems writes it.
sealed record Problem(
    [property: DataType(DataType.Url)] string Type,
    string Title,
    [property: Range(400, 599)] int Status,
    string Detail,
    string Code,
    string TraceId)
{
    const string ExampleTrace = "2911fcea3dc055945b32145e781e433c";

    /// <summary>The limit that an image broke, with 413.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull), Range(1, double.MaxValue)]
    public long? MaxBytes { get; init; }

    /// <summary>The limit that an image broke, with 400.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull), Range(1, double.MaxValue)]
    public long? MaxPixels { get; init; }

    /// <summary>The limit that an animation broke, with 400.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull), Range(1, double.MaxValue)]
    public long? MaxPixelsOfAllFrames { get; init; }

    /// <summary>The media types that are accepted, where one is refused that others accept.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull), MaxLength(20)]
    public IReadOnlyList<string>? Types { get; init; }

    /// <summary>What was looked at, where the service is not ready.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull), AllowedValues("ok", "failed")]
    public IReadOnlyDictionary<string, string>? Checks { get; init; }

    /// <summary>What was refused, by the fields' names as they were sent.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, IReadOnlyList<string>>? Errors { get; init; }

    /// <summary>The same for programs: the codes of each field that was refused.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, IReadOnlyList<string>>? ErrorCodes { get; init; }

    /// <summary>What a client gets for an error.</summary>
    /// <param name="error">Which one.</param>
    /// <param name="field">The field that is refused; null when it is the whole request.</param>
    /// <param name="sentence">Its sentence, where the slice knows a better one.</param>
    public static Problem Example(ErrorCode error, string? field = null, string? sentence = null) =>
        new("about:blank", ReasonPhrases.GetReasonPhrase(error.Status), error.Status, sentence ?? error.Sentence, error.Code, ExampleTrace)
        {
            Errors = field is null ? null : new Dictionary<string, IReadOnlyList<string>> { [field] = [sentence ?? error.Sentence] },
            ErrorCodes = field is null ? null : new Dictionary<string, IReadOnlyList<string>> { [field] = [error.Code] },
        };
}
