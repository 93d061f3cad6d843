using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Limits;

namespace Profiles.Features.ChangePassword;

sealed class ChangePasswordEndpoint(CurrentUser me, LoginGuard guard, AccountPasswords passwords)
    : Endpoint<ChangePasswordRequest, Results<Ok<ChangePasswordResponse>, ProblemHttpResult>>
{
    public override void Configure()
    {
        Put("/me/password");
        Description(d => d.ProducesProblem(StatusCodes.Status403Forbidden).LimitedAtOnce(AtOnce.Passwords).WithTags("Credentials"));
        Summary(s =>
        {
            s.Summary = "Change my password";
            s.Description = "Whoever else is logged in to the account is logged out, an address or a link that waits is void, and the owner is told by mail.";
            s.ExampleRequest = new("12345", "correct horse battery staple");
            s.ResponseExamples[200] = new ChangePasswordResponse("Password changed successfully");
            s.ResponseExamples[400] = Problem.Example(ErrorCodes.PasswordIsServiceName, "new_password");
            s.Responses[200] = "Changed.";
            s.Responses[403] = "The current password is wrong";
            s.Responses[429] = "Too many wrong passwords for this account from this address.";
        });
    }

    public override async Task<Results<Ok<ChangePasswordResponse>, ProblemHttpResult>> ExecuteAsync(ChangePasswordRequest req, CancellationToken ct)
    {
        if (passwords.Refusal(req.NewPassword, me.User.Email) is { } error)
            return Problems.Refused("new_password", error, HttpContext);
        return await guard.VerifyAsync(me.User, req.CurrentPassword, ct) && await passwords.ChangeAsync(me.User, req.NewPassword, me.SessionId, ct)
            ? TypedResults.Ok(new ChangePasswordResponse("Password changed successfully"))
            : Problems.Of(ErrorCodes.WrongPassword, "The current password is wrong");
    }
}
