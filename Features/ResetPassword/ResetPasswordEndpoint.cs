using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Profiles.Data;
using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Limits;
using Profiles.Infrastructure.Passwords;

namespace Profiles.Features.ResetPassword;

sealed class ResetPasswordEndpoint(
    ProfilesDbContext db, OneTimeTokens tokens, MailCodeCheck codes, WaitingRegistrations registrations, PasswordBlocklist blocklist,
    PasswordHasher hasher, PasswordChange passwords, Mailboxes mailboxes, FailedLogins failures)
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
            s.Description = "Takes the token from the mail that `POST /password/forgot` sends. It is valid once, for 30 minutes unless the "
                + "service is configured otherwise. Where mails have six digits (`Mail__Codes`), these do as well, for ten minutes and "
                + "five tries, with the address and the `request_token` of that answer. All sessions of the account end.";
            s.ExampleRequest = new("correct horse battery staple", "qk3ViFiRAGMWvXWQGJ2-MlPnsq9bkpZaNbUxmsRLYhE");
            s.ResponseExamples[200] = new ResetPasswordResponse("Password changed successfully");
            s.Responses[200] = "Set; log in next.";
            s.Responses[400] = ErrorCodes.InvalidToken.Sentence;
        });
    }

    public override async Task<Results<Ok<ResetPasswordResponse>, ProblemHttpResult>> ExecuteAsync(
        ResetPasswordRequest req, CancellationToken ct)
    {
        if (await codes.HashAsync(MailCodePurpose.ResetPassword, req.Token, req.RequestToken, req.Email, req.Code, ct) is not { } mailed)
            return Problems.Of(ErrorCodes.InvalidToken);
        var token = await tokens.FindAsync(mailed, TokenPurpose.ResetPassword, ct);
        var registration = token is null ? await registrations.FindAsync(mailed, TokenPurpose.ResetPassword, ct) : null;
        if ((token?.NormalizedEmail ?? registration?.NormalizedEmail) is not { } address)
            return Problems.Of(ErrorCodes.InvalidToken);
        // What was mailed stays valid, so that the person can try another password.
        if (blocklist.Refusal(req.NewPassword, address) is { } error)
            return Problems.Refused("new_password", error, HttpContext);
        var hash = await hasher.HashAsync(req.NewPassword, ct);
        if (!(token is not null ? await ResetAsync(token, hash, ct) : await registrations.ConfirmAsync(registration!, hash, ct)))
            return Problems.Of(ErrorCodes.InvalidToken);
        // Failed logins with the forgotten password must not delay the login with the new one.
        await failures.ForgetAsync(address, ClientNetwork.ForLimits(HttpContext), ct);
        return TypedResults.Ok(new ResetPasswordResponse("Password changed successfully"));
    }

    async Task<bool> ResetAsync(OneTimeToken token, string hash, CancellationToken ct)
    {
        await using var transaction = await db.LockUserAsync(token.UserId, ct);
        // The address may have changed since the token was read.
        if (await db.TrackUserAsync(token.UserId, ct) is not { } user || user.NormalizedEmail != token.NormalizedEmail
            || !await tokens.TryUseAsync(token, ct))
            return false;
        // The token was mailed to the address.
        await mailboxes.ProveAsync(user, ct);
        await passwords.SetAsync(user, hash, SecurityEventKind.PasswordReset, keptSession: null, ct);
        await db.SaveChangesAsync(ct);
        await transaction.CommitAsync(ct);
        return true;
    }
}
