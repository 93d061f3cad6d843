using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace Profiles.Features.Register;

/// <param name="Id">The account.</param>
/// <param name="Message">A sentence for people.</param>
/// <param name="RequestToken">To be sent with the digits of the mail; only where mails have them (`Mail__Codes`).</param>
sealed record RegisterResponse(
    [property: Range(1, double.MaxValue)] long Id, string Message,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? RequestToken = null);

/// <summary>The answer for new and taken addresses alike, which does not reveal which ones are taken.</summary>
/// <param name="Message">A sentence for people.</param>
/// <param name="RequestToken">To be sent with the digits of the mail; only where mails have them (`Mail__Codes`).</param>
sealed record RegisterPendingResponse(
    string Message, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? RequestToken = null)
{
    public const string Sentence = "Look into your mail: what to do next is there";
}
