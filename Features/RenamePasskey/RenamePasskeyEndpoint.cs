using System.Net.Mime;
using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.OpenApi;
using Profiles.Infrastructure.Passkeys;

namespace Profiles.Features.RenamePasskey;

sealed class RenamePasskeyEndpoint(ProfilesDbContext db, CurrentUser me)
    : Endpoint<RenamePasskeyRequest, Results<Ok<PasskeyDescription>, ProblemHttpResult>>
{
    public override void Configure()
    {
        Patch("/me/passkeys/{id:long:min(1)}");
        Description(d => d.Accepts<RenamePasskeyRequest>(MediaType.MergePatch, MediaTypeNames.Application.Json)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .WithMetadata(new DescribedParameter("id", "The passkey's id.")).WithTags("Passkeys"));
        Summary(s =>
        {
            s.Summary = "Rename one of my passkeys";
            s.Description = "The name is for the list here; the device shows its own.";
            s.ExampleRequest = new("John's phone");
            s.ResponseExamples[200] = PasskeyDescription.Example;
            s.ResponseExamples[400] = Problem.Example(ErrorCodes.NameRequired, "name");
            s.Responses[200] = "Renamed.";
            s.Responses[404] = ErrorCodes.PasskeyNotFound.Sentence;
        });
    }

    public override async Task<Results<Ok<PasskeyDescription>, ProblemHttpResult>> ExecuteAsync(
        RenamePasskeyRequest req, CancellationToken ct)
    {
        var (id, name) = (Route<long>("id"), req.Name.Trim());
        var mine = db.Passkeys.AsNoTracking().Where(p => p.Id == id && p.UserId == me.Id);
        await mine.ExecuteUpdateAsync(p => p.SetProperty(x => x.Name, name), ct);
        return await mine.SingleOrDefaultAsync(ct) is { } passkey
            ? TypedResults.Ok(PasskeyDescription.Of(passkey)) : Problems.Of(ErrorCodes.PasskeyNotFound);
    }
}
