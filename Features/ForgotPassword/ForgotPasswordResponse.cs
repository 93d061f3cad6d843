using System.Text.Json.Serialization;

namespace Profiles.Features.ForgotPassword;

/// <param name="Message">A sentence for people.</param>
/// <param name="RequestToken">To be sent with the digits of the mail; only where mails have them (`Mail__Codes`).</param>
sealed record ForgotPasswordResponse(
    string Message, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? RequestToken = null);
