using System.ComponentModel.DataAnnotations;
using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Passkeys;

namespace Profiles.Features.ListPasskeys;

/// <param name="Passkeys">The oldest first.</param>
sealed record ListPasskeysResponse([property: MaxLength(Passkey.MostPerUser)] IReadOnlyList<PasskeyDescription> Passkeys);

sealed class ListPasskeysEndpoint(ProfilesDbContext db, CurrentUser me) : EndpointWithoutRequest<Ok<ListPasskeysResponse>>
{
    public override void Configure()
    {
        Get("/me/passkeys");
        Description(d => d.WithTags("Passkeys"));
        Summary(s =>
        {
            s.Summary = "List my passkeys";
            s.Description = "Every passkey of mine, the oldest first.";
            s.ResponseExamples[200] = new ListPasskeysResponse([PasskeyDescription.Example]);
            s.Responses[200] = "The passkeys.";
        });
    }

    public override async Task<Ok<ListPasskeysResponse>> ExecuteAsync(CancellationToken ct)
    {
        var passkeys = await db.Passkeys.AsNoTracking().Where(p => p.UserId == me.Id).OrderBy(p => p.Id).ToListAsync(ct);
        return TypedResults.Ok(new ListPasskeysResponse([.. passkeys.Select(PasskeyDescription.Of)]));
    }
}
