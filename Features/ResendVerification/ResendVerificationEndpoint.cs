using System.Text.Json.Serialization;
using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Profiles.Data;
using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Limits;
using Profiles.Infrastructure.Mail;

namespace Profiles.Features.ResendVerification;

/// <param name="Message">A sentence for people.</param>
/// <param name="RequestToken">To be sent with the digits of the mail; only where mails have them (`Mail__Codes`).</param>
sealed record ResendVerificationResponse(
    string Message, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? RequestToken = null);

sealed class ResendVerificationEndpoint(ProfilesDbContext db, CurrentUser me, MailCodes codes, MailOutbox mails)
    : EndpointWithoutRequest<Accepted<ResendVerificationResponse>>
{
    const string Sentence = "If there is an address to confirm, a mail is on its way";

    public override void Configure()
    {
        Post("/email/verify/resend");
        Description(d => d.LimitedTo(Limit.Mails).WithTags("Credentials"));
        Summary(s =>
        {
            s.Summary = "Ask for another mail to confirm my e-mail address";
            s.Description = "The tokens of earlier mails become invalid.";
            s.ResponseExamples[202] = new ResendVerificationResponse(Sentence);
            s.Responses[202] = "Accepted; nothing is sent when there is nothing to confirm.";
        });
    }

    public override async Task<Accepted<ResendVerificationResponse>> ExecuteAsync(CancellationToken ct)
    {
        var (token, hash) = (me.User.PendingEmail ?? me.User.Email) is { } address
            ? await codes.AskAsync(MailCodePurpose.VerifyEmail, Data.User.Normalize(address), ct)
            : default;
        if (me.User.PendingEmail is { } pending)
            mails.Add(MailKind.VerifyNewEmail, pending, me.Id, request: hash);
        else if (me.User.EmailVerifiedAt is null)
            mails.Add(MailKind.VerifyEmail, me.User.Email, me.Id, request: hash);
        await db.SaveChangesAsync(ct);
        return TypedResults.Accepted((string?)null, new ResendVerificationResponse(Sentence, token));
    }
}
