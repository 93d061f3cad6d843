using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Limits;
using Profiles.Infrastructure.Mail;
using Profiles.Infrastructure.SecurityEvents;

namespace Profiles.Features.VerifyEmail;

sealed class VerifyEmailEndpoint(
    ProfilesDbContext db, OneTimeTokens tokens, MailCodeCheck codes, WaitingRegistrations registrations, PendingChanges pending,
    SecurityEventLog events, MailOutbox mails, TimeProvider clock)
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
            s.Description = "Takes the token from the mail to the address. It is valid once, for three days unless the service is "
                + "configured otherwise. Where mails have six digits (`Mail__Codes`), these do as well, for ten minutes and five tries, "
                + "with the address and the `request_token` that the request was answered with: those of another's request do not.";
            s.ExampleRequest = new("qk3ViFiRAGMWvXWQGJ2-MlPnsq9bkpZaNbUxmsRLYhE");
            s.ResponseExamples[200] = new VerifyEmailResponse("Email verified successfully");
            s.Responses[200] = "Confirmed; a pending address has replaced the old one, and the other sessions have ended.";
            s.Responses[400] = ErrorCodes.InvalidToken.Sentence;
        });
    }

    public override async Task<Results<Ok<VerifyEmailResponse>, ProblemHttpResult>> ExecuteAsync(
        VerifyEmailRequest req, CancellationToken ct)
    {
        var hash = await codes.HashAsync(MailCodePurpose.VerifyEmail, req.Token, req.RequestToken, req.Email, req.Code, ct);
        var isVerified = hash is not null && (await tokens.FindAsync(hash, TokenPurpose.VerifyEmail, ct) is { } token
            ? await VerifyAsync(token, ct)
            : await registrations.FindAsync(hash, TokenPurpose.VerifyEmail, ct) is { } registration
                && await registrations.ConfirmAsync(registration, registration.PasswordHash, ct));
        return isVerified
            ? TypedResults.Ok(new VerifyEmailResponse("Email verified successfully"))
            : Problems.Of(ErrorCodes.InvalidToken);
    }

    // Returns false, with nothing changed, when the address is no longer pending or another account has it by now.
    async Task<bool> VerifyAsync(OneTimeToken token, CancellationToken ct)
    {
        try
        {
            await using var transaction = await db.LockUserAsync(token.UserId, ct);
            if (!await tokens.TryUseAsync(token, ct) || await db.TrackUserAsync(token.UserId, ct) is not { } user
                || !await TryConfirmAsync(user, token.NormalizedEmail, ct))
                return false;
            user.ConfirmEmail(clock.GetUtcNow().UtcDateTime);
            await db.SaveChangesAsync(ct);
            await transaction.CommitAsync(ct);
            return true;
        }
        catch (DbUpdateException e) when (DatabaseErrors.IsUniqueViolation(e) || e is DbUpdateConcurrencyException)
        {
            return false;
        }
    }

    async Task<bool> TryConfirmAsync(User user, string address, CancellationToken ct)
    {
        if (user.NormalizedEmail == address)
        {
            // What opened the sessions (password, identities, passkeys) stays: ending them would keep nobody out.
            await pending.VoidKeepingSessionsAsync(user, ct);
            events.Add(user.Id, SecurityEventKind.EmailVerified);
            return true;
        }
        if (user.PendingEmail is not { } next || Data.User.Normalize(next) != address)
            return false;
        var old = user.Email;
        await pending.VoidAsync(user, user.PendingSessionId, ct);
        user.ChangeEmail(next);
        mails.Add(MailKind.EmailChanged, old, user.Id);
        events.Add(user.Id, SecurityEventKind.EmailChanged);
        return true;
    }
}
