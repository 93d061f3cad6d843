using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.WebUtilities;

namespace Profiles.Infrastructure.Errors;

/// <summary>Every error (RFC 9457).</summary>
/// <param name="Type">The kind of problem; always `about:blank`.</param>
/// <param name="Title">The status in words.</param>
/// <param name="Status">The HTTP status.</param>
/// <param name="Detail">One sentence for people.</param>
/// <param name="Code">The kind of problem, for programs; new codes may be added.</param>
/// <param name="TraceId">The request's id in the service's log.</param>
// Describes the body in the API document; Problems writes it.
sealed record Problem(
    [property: DataType(DataType.Url)] string Type,
    string Title,
    [property: Range(400, 599)] int Status,
    string Detail,
    string Code,
    string TraceId)
{
    const int MostTypes = 20;

    const string ExampleTrace = "2911fcea3dc055945b32145e781e433c";

    /// <summary>The limit that an image exceeds; with 413.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull), Range(1, double.MaxValue)]
    public long? MaxBytes { get; init; }

    /// <summary>The limit that an image exceeds; with 400.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull), Range(1, double.MaxValue)]
    public long? MaxPixels { get; init; }

    /// <summary>The limit that an animation exceeds; with 400.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull), Range(1, double.MaxValue)]
    public long? MaxPixelsOfAllFrames { get; init; }

    /// <summary>The accepted media types; with a refused image.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull), MaxLength(MostTypes)]
    public IReadOnlyList<string>? Types { get; init; }

    /// <summary>The result of each check; with 503 from the readiness probe.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull), AllowedValues("ok", "failed")]
    public IReadOnlyDictionary<string, string>? Checks { get; init; }

    /// <summary>What `POST /login/mfa` takes with the second factor's code; with `mfa_required`.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull), RegularExpression("^[A-Za-z0-9_-]+$")]
    public string? MfaToken { get; init; }

    /// <summary>The seconds for which `mfa_token` is valid.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull), Range(1, int.MaxValue)]
    public int? ExpiresIn { get; init; }

    /// <summary>The sentences of each refused field, by its name as the client sent it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, IReadOnlyList<string>>? Errors { get; init; }

    /// <summary>The codes of each refused field, for programs.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, IReadOnlyList<string>>? ErrorCodes { get; init; }

    /// <summary>An example for the API document.</summary>
    /// <param name="error">The error.</param>
    /// <param name="field">The refused field; null when the whole request is refused.</param>
    /// <param name="sentence">A more specific sentence than the error's own.</param>
    public static Problem Example(ErrorCode error, string? field = null, string? sentence = null) =>
        new("about:blank", ReasonPhrases.GetReasonPhrase(error.Status), error.Status, sentence ?? error.Sentence, error.Code, ExampleTrace)
        {
            Errors = field is null ? null : new Dictionary<string, IReadOnlyList<string>> { [field] = [sentence ?? error.Sentence] },
            ErrorCodes = field is null ? null : new Dictionary<string, IReadOnlyList<string>> { [field] = [error.Code] },
        };
}
