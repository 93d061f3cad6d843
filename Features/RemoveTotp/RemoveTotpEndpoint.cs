using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Profiles.Data;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Mail;
using Profiles.Infrastructure.SecondFactors;
using Profiles.Infrastructure.Sessions;

namespace Profiles.Features.RemoveTotp;

sealed record RemoveTotpResponse(string Message);

sealed class RemoveTotpEndpoint(ProfilesDbContext db, CurrentUser me, SecondFactorRemoval factors)
    : EndpointWithoutRequest<Results<Ok<RemoveTotpResponse>, ProblemHttpResult>>
{
    public override void Configure()
    {
        Delete("/me/mfa/totp");
        Description(d => d.ProducesProblem(StatusCodes.Status409Conflict).NeedsFreshLogin().WithTags("Second factor"));
        Summary(s =>
        {
            s.Summary = "Remove my authenticator app";
            s.Description = "Logging in no longer takes a code, and the recovery codes are void. The owner is told by mail.";
            s.ResponseExamples[200] = new RemoveTotpResponse("Second factor removed successfully");
            s.ResponseExamples[409] = Problem.Example(ErrorCodes.MfaNotEnabled);
            s.Responses[200] = "Removed.";
            s.Responses[409] = ErrorCodes.MfaNotEnabled.Sentence;
        });
    }

    public override async Task<Results<Ok<RemoveTotpResponse>, ProblemHttpResult>> ExecuteAsync(CancellationToken ct)
    {
        await using var transaction = await db.LockUserAsync(me.Id, ct);
        if (await db.TrackUserAsync(me.Id, ct) is not { } user)
            return Problems.Of(ErrorCodes.InvalidAccessToken);
        if (!await factors.RemoveAsync(user, MailChange.SecondFactorRemoved, ct))
            return Problems.Of(ErrorCodes.MfaNotEnabled);
        await db.SaveChangesAsync(ct);
        await transaction.CommitAsync(ct);
        return TypedResults.Ok(new RemoveTotpResponse("Second factor removed successfully"));
    }
}
