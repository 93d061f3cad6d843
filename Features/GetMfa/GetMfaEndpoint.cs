using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Http;

namespace Profiles.Features.GetMfa;

sealed class GetMfaEndpoint(ProfilesDbContext db, CurrentUser me) : EndpointWithoutRequest<Ok<GetMfaResponse>>
{
    public override void Configure()
    {
        Get("/me/mfa");
        Description(d => d.WithTags("Second factor"));
        Summary(s =>
        {
            s.Summary = "Show my second factor";
            s.Description = "Whether logging in takes a code of an authenticator app, and how many recovery codes are left.";
            s.ResponseExamples[200] = new GetMfaResponse(true, new(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc), 9);
            s.Responses[200] = "The second factor.";
        });
    }

    public override async Task<Ok<GetMfaResponse>> ExecuteAsync(CancellationToken ct)
    {
        var confirmed = await db.SecondFactors.Where(f => f.UserId == me.Id).Select(f => f.ConfirmedAt).SingleOrDefaultAsync(ct);
        var left = await db.RecoveryCodes.CountAsync(c => c.UserId == me.Id, ct);
        return TypedResults.Ok(new GetMfaResponse(confirmed is not null, confirmed, left));
    }
}
