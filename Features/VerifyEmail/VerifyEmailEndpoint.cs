using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Limits;

namespace Profiles.Features.VerifyEmail;

sealed class VerifyEmailEndpoint(EmailVerification emails, Registrations registrations)
    : Endpoint<VerifyEmailRequest, Results<Ok<VerifyEmailResponse>, ProblemHttpResult>>
{
    public override void Configure()
    {
        Post("/email/verify");
        AllowAnonymous();
        Description(d => d.ProducesProblem(StatusCodes.Status400BadRequest).LimitedTo(Limit.EmailVerifications).WithTags("Credentials"));
        Summary(s =>
        {
            s.Summary = "Confirm an e-mail address";
            s.Description = "Takes the token out of the mail that went to the address. It is good once, for three days unless the service is set otherwise.";
            s.ExampleRequest = new("qk3ViFiRAGMWvXWQGJ2-MlPnsq9bkpZaNbUxmsRLYhE");
            s.ResponseExamples[200] = new VerifyEmailResponse("Email verified successfully");
            s.Responses[200] = "Confirmed; an address that was to replace another has done so, and the other phones are logged out.";
            s.Responses[400] = ErrorCodes.InvalidToken.Sentence;
        });
    }

    public override async Task<Results<Ok<VerifyEmailResponse>, ProblemHttpResult>> ExecuteAsync(VerifyEmailRequest req, CancellationToken ct) =>
        await emails.VerifyAsync(req.Token, ct) || await registrations.ConfirmAsync(req.Token, ct)
            ? TypedResults.Ok(new VerifyEmailResponse("Email verified successfully"))
            : Problems.Of(ErrorCodes.InvalidToken);
}
