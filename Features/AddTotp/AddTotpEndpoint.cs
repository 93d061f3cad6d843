using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.SecondFactors;
using Profiles.Infrastructure.Sessions;
using Profiles.Infrastructure.Settings;

namespace Profiles.Features.AddTotp;

sealed class AddTotpEndpoint(
    ProfilesDbContext db, CurrentUser me, TotpSecrets secrets, WaysIn ways, IOptions<ServiceOptions> service)
    : EndpointWithoutRequest<Results<Ok<AddTotpResponse>, ProblemHttpResult>>
{
    public override void Configure()
    {
        Post("/me/mfa/totp");
        // A thief with a stolen session must not lock the owner out with a factor of their own.
        Description(d => d.ProducesProblem(StatusCodes.Status409Conflict).NeedsFreshLogin(ofEverybody: true).WithTags("Second factor"));
        Summary(s =>
        {
            s.Summary = "Begin to add an authenticator app";
            s.Description = "Answers a secret for the app, which replaces one that was not confirmed. Nothing changes until a first "
                + "code of it is sent to `/me/mfa/totp/confirm`.";
            s.ResponseExamples[200] = new AddTotpResponse(
                "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
                "otpauth://totp/Profiles:john%40example.com?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
                    + "&issuer=Profiles&algorithm=SHA1&digits=6&period=30");
            s.ResponseExamples[409] = Problem.Example(ErrorCodes.MfaEnabled);
            s.Responses[200] = "The secret, which is not shown again.";
            s.Responses[409] = $"{ErrorCodes.MfaEnabled.Sentence} Or: {ErrorCodes.WayInNeeded.Sentence} "
                + $"Or: {ErrorCodes.EmailUnverified.Sentence}";
        });
    }

    public override async Task<Results<Ok<AddTotpResponse>, ProblemHttpResult>> ExecuteAsync(CancellationToken ct)
    {
        if (me.User.GuestSince is not null)
            return Problems.Of(ErrorCodes.WayInNeeded);
        var secret = TotpSecrets.New();
        await using var transaction = await db.LockUserAsync(me.Id, ct);
        // Disabled or ended meanwhile: a request in progress changes nothing any more.
        if (await db.TrackUserAsync(me.Id, ct) is null || !await db.HasSessionAsync(me.Id, me.SessionId, ct))
            return Problems.Of(ErrorCodes.InvalidAccessToken);
        if (!await ways.MayGrowAsync(me.Id, ct))
            return Problems.Of(ErrorCodes.EmailUnverified);
        if (await db.SecondFactors.SingleOrDefaultAsync(f => f.UserId == me.Id, ct) is not { } factor)
            db.SecondFactors.Add(new() { UserId = me.Id, Secret = secrets.Seal(secret) });
        else if (factor.ConfirmedAt is null)
            factor.Secret = secrets.Seal(secret);
        else
            return Problems.Of(ErrorCodes.MfaEnabled);
        await db.SaveChangesAsync(ct);
        await transaction.CommitAsync(ct);
        var account = me.User.Email ?? me.Profile.Username ?? FormattableString.Invariant($"account {me.Id}");
        return TypedResults.Ok(new AddTotpResponse(secret, TotpSecrets.Address(secret, service.Value.ProductName, account)));
    }
}
