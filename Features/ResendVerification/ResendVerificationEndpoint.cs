using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Profiles.Data;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Limits;
using Profiles.Infrastructure.Mail;

namespace Profiles.Features.ResendVerification;

sealed record ResendVerificationResponse(string Message);

sealed class ResendVerificationEndpoint(ProfilesDbContext db, CurrentUser me, MailOutbox mails)
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
        if (me.User.PendingEmail is { } pending)
            mails.Add(MailKind.VerifyNewEmail, pending, me.Id);
        else if (me.User.EmailVerifiedAt is null)
            mails.Add(MailKind.VerifyEmail, me.User.Email, me.Id);
        await db.SaveChangesAsync(ct);
        return TypedResults.Accepted((string?)null, new ResendVerificationResponse(Sentence));
    }
}
