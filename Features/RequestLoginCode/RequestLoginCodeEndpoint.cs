using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Profiles.Data;
using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Limits;
using Profiles.Infrastructure.Mail;

namespace Profiles.Features.RequestLoginCode;

sealed class RequestLoginCodeEndpoint(ProfilesDbContext db, MailCodes codes, MailOutbox mails)
    : Endpoint<RequestLoginCodeRequest, Accepted<RequestLoginCodeResponse>>
{
    const string Sentence = "A code is on its way to this address";

    public override void Configure()
    {
        Post("/login/code");
        AllowAnonymous();
        // Without an Idempotency-Key: the stored answer would have the token in plain text.
        Description(d => d.LimitedTo(Limit.Mails).WithTags("Account"));
        Summary(s =>
        {
            s.Summary = "Ask for a code to log in";
            s.Description = "Sends a mail with six digits for `POST /login/code/verify`, which logs in or, at an address without an "
                + "account, registers. The answer is the same whether or not the address has an account. The digits are valid only with "
                + "the `request_token` of this answer; earlier ones stay valid with theirs.";
            s.ExampleRequest = new("john@example.com");
            s.ResponseExamples[202] = new RequestLoginCodeResponse(
                "qk3ViFiRAGMWvXWQGJ2-MlPnsq9bkpZaNbUxmsRLYhE", (int)MailCode.Lifetime.TotalSeconds, Sentence);
            s.ResponseExamples[400] = Problem.Example(ErrorCodes.EmailInvalid, "email");
            s.Responses[202] = "Accepted.";
        });
    }

    // Does not look up the account, so that an address takes the same work and time with one and without one.
    public override async Task<Accepted<RequestLoginCodeResponse>> ExecuteAsync(RequestLoginCodeRequest req, CancellationToken ct)
    {
        var address = Data.User.Normalize(req.Email);
        var (token, hash) = await codes.AddAsync(MailCodePurpose.Login, address, ct);
        mails.Add(MailKind.LoginCode, address, request: hash);
        await db.SaveChangesAsync(ct);
        return TypedResults.Accepted(
            (string?)null, new RequestLoginCodeResponse(token, (int)MailCode.Lifetime.TotalSeconds, Sentence));
    }
}
