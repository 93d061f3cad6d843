using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Http;

namespace Profiles.Features.ListIdentities;

sealed class ListIdentitiesEndpoint(ProfilesDbContext db, CurrentUser me) : EndpointWithoutRequest<Ok<ListIdentitiesResponse>>
{
    public override void Configure()
    {
        Get("/me/identities");
        Description(d => d.WithTags("Identities"));
        Summary(s =>
        {
            s.Summary = "List my identities";
            s.Description = "The accounts at Apple, Google and other issuers that log in to mine.";
            var time = new DateTime(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc);
            s.ResponseExamples[200] = new ListIdentitiesResponse([new(1, "google", "john@gmail.com", time, time)]);
            s.Responses[200] = "The identities.";
        });
    }

    public override async Task<Ok<ListIdentitiesResponse>> ExecuteAsync(CancellationToken ct) => TypedResults.Ok(new ListIdentitiesResponse(
        await db.Identities.Where(i => i.UserId == me.Id).OrderBy(i => i.Id)
            .Select(i => new ListIdentitiesEntry(i.Id, i.Provider, i.Email, i.CreatedAt, i.LastUsedAt)).ToListAsync(ct)));
}
