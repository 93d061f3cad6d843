using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Profiles.Data;
using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Limits;
using Profiles.Infrastructure.Mail;

namespace Profiles.Features.ForgotPassword;

sealed class ForgotPasswordEndpoint(ProfilesDbContext db, MailCodes codes, MailOutbox mails)
    : Endpoint<ForgotPasswordRequest, Accepted<ForgotPasswordResponse>>
{
    const string Sentence = "If there is an account with this address, a mail is on its way";

    public override void Configure()
    {
        Post("/password/forgot");
        AllowAnonymous();
        Description(d => d.LimitedTo(Limit.Mails).WithTags("Credentials"));
        Summary(s =>
        {
            s.Summary = "Ask for a new password";
            s.Description =
                "Sends a mail with a token for `POST /password/reset`. The answer is the same whether or not the address has an account.";
            s.ExampleRequest = new("john@example.com");
            s.ResponseExamples[202] = new ForgotPasswordResponse(Sentence);
            s.ResponseExamples[400] = Problem.Example(ErrorCodes.EmailInvalid, "email");
            s.Responses[202] = "Accepted.";
        });
    }

    // Does not look up the account, so that an address takes the same work and time with one and without one.
    public override async Task<Accepted<ForgotPasswordResponse>> ExecuteAsync(ForgotPasswordRequest req, CancellationToken ct)
    {
        var address = Data.User.Normalize(req.Email);
        var (token, hash) = await codes.AskAsync(MailCodePurpose.ResetPassword, address, ct);
        mails.Add(MailKind.ResetPassword, address, request: hash);
        await db.SaveChangesAsync(ct);
        return TypedResults.Accepted((string?)null, new ForgotPasswordResponse(Sentence, token));
    }
}
