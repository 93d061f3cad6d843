using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Limits;

namespace Profiles.Features.ResetPassword;

sealed class ResetPasswordEndpoint(PasswordReset reset)
    : Endpoint<ResetPasswordRequest, Results<Ok<ResetPasswordResponse>, ProblemHttpResult>>
{
    public override void Configure()
    {
        Post("/password/reset");
        AllowAnonymous();
        Description(d => d.ProducesProblem(StatusCodes.Status400BadRequest).LimitedTo(Limit.PasswordResets).WithTags("Credentials"));
        Summary(s =>
        {
            s.Summary = "Set a new password";
            s.Description = "Takes the token out of the mail that `POST /password/forgot` sends. It is good once, for 30 minutes unless the service is set otherwise. Whoever is logged in to the account is logged out.";
            s.ExampleRequest = new("qk3ViFiRAGMWvXWQGJ2-MlPnsq9bkpZaNbUxmsRLYhE", "correct horse battery staple");
            s.ResponseExamples[200] = new ResetPasswordResponse("Password changed successfully");
            s.Responses[200] = "Set; log in next.";
            s.Responses[400] = ErrorCodes.InvalidToken.Sentence;
        });
    }

    public override async Task<Results<Ok<ResetPasswordResponse>, ProblemHttpResult>> ExecuteAsync(ResetPasswordRequest req, CancellationToken ct)
    {
        return await reset.ResetAsync(req.Token, req.NewPassword, ct) switch
        {
            null => TypedResults.Ok(new ResetPasswordResponse("Password changed successfully")),
            { } error when error == ErrorCodes.InvalidToken => Problems.Of(error),
            var error => Problems.Refused("new_password", error, HttpContext),
        };
    }
}
