using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Mail;
using Profiles.Infrastructure.SecondFactors;
using Profiles.Infrastructure.SecurityEvents;
using Profiles.Infrastructure.Sessions;

namespace Profiles.Features.ConfirmTotp;

sealed class ConfirmTotpEndpoint(
    ProfilesDbContext db, CurrentUser me, SecondFactorCheck check, TotpSecrets secrets, RecoveryCodes recovery, WaysIn ways,
    SecurityEventLog events, MailOutbox mails, TimeProvider clock)
    : Endpoint<ConfirmTotpRequest, Results<Ok<ConfirmTotpResponse>, ProblemHttpResult>>
{
    public override void Configure()
    {
        Post("/me/mfa/totp/confirm");
        Description(d => d.ProducesProblem(StatusCodes.Status403Forbidden).ProducesProblem(StatusCodes.Status409Conflict)
            .ProducesProblem(StatusCodes.Status429TooManyRequests).NeedsFreshLogin(ofEverybody: true).WithTags("Second factor"));
        Summary(s =>
        {
            s.Summary = "Confirm my authenticator app";
            s.Description = "With a first code of the app every login takes one from now on. This session counts as logged in with both "
                + "factors; the others stay, but are refused where a fresh login is needed. The owner is told by mail.";
            s.ExampleRequest = new("123456");
            s.ResponseExamples[200] = new ConfirmTotpResponse(["4T7J-QX2M-9KCD-0VWA", "H3RB-6YNE-P8SG-1Z5F"]);
            s.ResponseExamples[400] = Problem.Example(ErrorCodes.CodeMalformed, "code");
            s.ResponseExamples[403] = Problem.Example(ErrorCodes.WrongCode);
            s.ResponseExamples[409] = Problem.Example(ErrorCodes.MfaNotEnabled);
            s.Responses[200] = "Added.";
            s.Responses[403] = ErrorCodes.WrongCode.Sentence;
            s.Responses[409] = $"{ErrorCodes.MfaNotEnabled.Sentence} Or: {ErrorCodes.MfaEnabled.Sentence} "
                + $"Or: {ErrorCodes.EmailUnverified.Sentence}";
            s.Responses[429] = "Too many codes were tried.";
        });
    }

    public override async Task<Results<Ok<ConfirmTotpResponse>, ProblemHttpResult>> ExecuteAsync(
        ConfirmTotpRequest req, CancellationToken ct)
    {
        if (await db.SecondFactors.AsNoTracking().SingleOrDefaultAsync(f => f.UserId == me.Id, ct) is not { } factor)
            return Problems.Of(ErrorCodes.MfaNotEnabled);
        if (factor.ConfirmedAt is not null)
            return Problems.Of(ErrorCodes.MfaEnabled);
        await check.CountAsync(me.Id, ct);
        if (secrets.FindStep(factor.Secret, req.Code) is not { } step)
            return Problems.Of(ErrorCodes.WrongCode);
        await check.ForgetAsync(me.Id, ct);
        await using var transaction = await db.LockUserAsync(me.Id, ct);
        var now = clock.GetUtcNow().UtcDateTime;
        if (await db.TrackUserAsync(me.Id, ct) is not { } user || !await ProveAsync(now, ct))
            return Problems.Of(ErrorCodes.InvalidAccessToken);
        if (!await ways.MayGrowAsync(me.Id, ct))
            return Problems.Of(ErrorCodes.EmailUnverified);
        // Another request may have confirmed it, or begun anew with another secret.
        if (await db.SecondFactors.Where(f => f.UserId == me.Id && f.ConfirmedAt == null && f.Secret == factor.Secret)
            .ExecuteUpdateAsync(f => f.SetProperty(x => x.ConfirmedAt, now).SetProperty(x => x.LastStep, step), ct) == 0)
            return Problems.Of(ErrorCodes.MfaNotEnabled);
        var codes = await recovery.ReplaceAsync(me.Id, ct);
        events.Add(me.Id, SecurityEventKind.SecondFactorEnabled);
        mails.Add(MailKind.SecondFactorChanged, user.Email, me.Id, MailChange.SecondFactorAdded);
        await db.SaveChangesAsync(ct);
        await transaction.CommitAsync(ct);
        return TypedResults.Ok(new ConfirmTotpResponse(codes));
    }

    // False when the session has ended meanwhile.
    async Task<bool> ProveAsync(DateTime now, CancellationToken ct)
    {
        var session = db.Sessions.Where(s => s.Id == me.SessionId);
        var methods = AuthenticationMethods.WithSecondFactor(await session.Select(s => s.Methods).SingleOrDefaultAsync(ct) ?? "");
        return await session.ExecuteUpdateAsync(
            s => s.SetProperty(x => x.AuthenticatedAt, now).SetProperty(x => x.Methods, methods), ct) == 1;
    }
}
