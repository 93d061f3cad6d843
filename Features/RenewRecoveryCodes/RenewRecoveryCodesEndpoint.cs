using System.ComponentModel.DataAnnotations;
using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.SecondFactors;
using Profiles.Infrastructure.SecurityEvents;
using Profiles.Infrastructure.Sessions;

namespace Profiles.Features.RenewRecoveryCodes;

/// <param name="RecoveryCodes">Each logs in once in place of the app. They are not shown again.</param>
sealed record RenewRecoveryCodesResponse([property: MaxLength(RecoveryCode.PerUser)] IReadOnlyList<string> RecoveryCodes);

sealed class RenewRecoveryCodesEndpoint(ProfilesDbContext db, CurrentUser me, RecoveryCodes recovery, SecurityEventLog events)
    : EndpointWithoutRequest<Results<Ok<RenewRecoveryCodesResponse>, ProblemHttpResult>>
{
    public override void Configure()
    {
        Post("/me/mfa/recovery-codes");
        Description(d => d.ProducesProblem(StatusCodes.Status409Conflict).NeedsFreshLogin().WithTags("Second factor"));
        Summary(s =>
        {
            s.Summary = "Get new recovery codes";
            s.Description = "Ten new codes; those before are void.";
            s.ResponseExamples[200] = new RenewRecoveryCodesResponse(["4T7J-QX2M-9KCD-0VWA", "H3RB-6YNE-P8SG-1Z5F"]);
            s.ResponseExamples[409] = Problem.Example(ErrorCodes.MfaNotEnabled);
            s.Responses[200] = "The codes.";
            s.Responses[409] = ErrorCodes.MfaNotEnabled.Sentence;
        });
    }

    public override async Task<Results<Ok<RenewRecoveryCodesResponse>, ProblemHttpResult>> ExecuteAsync(CancellationToken ct)
    {
        await using var transaction = await db.LockUserAsync(me.Id, ct);
        if (!await db.IsEnabledAsync(me.Id, ct) || !await db.HasSessionAsync(me.Id, me.SessionId, ct))
            return Problems.Of(ErrorCodes.InvalidAccessToken);
        if (await db.SecondFactors.CountAsync(f => f.UserId == me.Id && f.ConfirmedAt != null, ct) == 0)
            return Problems.Of(ErrorCodes.MfaNotEnabled);
        var codes = await recovery.ReplaceAsync(me.Id, ct);
        events.Add(me.Id, SecurityEventKind.RecoveryCodesRenewed);
        await db.SaveChangesAsync(ct);
        await transaction.CommitAsync(ct);
        return TypedResults.Ok(new RenewRecoveryCodesResponse(codes));
    }
}
