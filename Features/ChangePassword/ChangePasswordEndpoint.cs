using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Profiles.Data;
using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Limits;
using Profiles.Infrastructure.Passwords;
using Profiles.Infrastructure.Sessions;

namespace Profiles.Features.ChangePassword;

sealed class ChangePasswordEndpoint(
    ProfilesDbContext db, CurrentUser me, PasswordBlocklist blocklist, OwnerCheck owner, PasswordHasher hasher, PasswordChange passwords)
    : Endpoint<ChangePasswordRequest, Results<Ok<ChangePasswordResponse>, ProblemHttpResult>>
{
    public override void Configure()
    {
        Put("/me/password");
        Description(d => d.ProducesProblem(StatusCodes.Status403Forbidden).ProducesProblem(StatusCodes.Status409Conflict)
            .ConcurrencyLimitedTo(ConcurrencyLimit.Passwords).NeedsFreshLogin().WithTags("Credentials"));
        Summary(s =>
        {
            s.Summary = "Change my password";
            s.Description = "Ends the account's other sessions, voids a pending address and mailed links, and tells the owner by mail. "
                + "An account without a password gets its first one; it needs an e-mail address, and a login of the last ten minutes.";
            s.ExampleRequest = new("12345", "correct horse battery staple");
            s.ResponseExamples[200] = new ChangePasswordResponse("Password changed successfully");
            s.ResponseExamples[400] = Problem.Example(ErrorCodes.PasswordIsServiceName, "new_password");
            s.Responses[200] = "Changed.";
            s.Responses[403] = "The current password is wrong";
            s.Responses[409] = ErrorCodes.EmailNeeded.Sentence;
            s.Responses[429] = "Too many wrong passwords for this account from this address.";
        });
    }

    public override async Task<Results<Ok<ChangePasswordResponse>, ProblemHttpResult>> ExecuteAsync(
        ChangePasswordRequest req, CancellationToken ct)
    {
        if (blocklist.Refusal(req.NewPassword, me.User.Email) is { } error)
            return Problems.Refused("new_password", error, HttpContext);
        if (await owner.RefusalAsync(req.CurrentPassword, OwnPassword.CurrentPassword, ct) is { } refusal)
            return refusal;
        if (me.User.Email is null)
            return Problems.Of(ErrorCodes.EmailNeeded);
        var hash = await hasher.HashAsync(req.NewPassword, ct);
        await using var transaction = await db.LockUserAsync(me.Id, ct);
        // Another change may have come first: the verified password is then no longer the current one.
        if (await db.TrackUserAsync(me.Id, ct) is not { } user || user.PasswordHash != me.User.PasswordHash)
            return Problems.Of(ErrorCodes.WrongPassword, OwnPassword.CurrentPassword.WrongSentence);
        if (!await db.HasSessionAsync(me.Id, me.SessionId, ct))
            return Problems.Of(ErrorCodes.InvalidAccessToken);
        await passwords.SetAsync(user, hash, SecurityEventKind.PasswordChanged, keptSession: me.SessionId, ct);
        await db.SaveChangesAsync(ct);
        await transaction.CommitAsync(ct);
        return TypedResults.Ok(new ChangePasswordResponse("Password changed successfully"));
    }
}
