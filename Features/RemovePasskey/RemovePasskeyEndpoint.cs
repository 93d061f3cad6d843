using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Mail;
using Profiles.Infrastructure.OpenApi;
using Profiles.Infrastructure.SecurityEvents;
using Profiles.Infrastructure.Sessions;

namespace Profiles.Features.RemovePasskey;

sealed record RemovePasskeyResponse(string Message);

sealed class RemovePasskeyEndpoint(ProfilesDbContext db, CurrentUser me, WaysIn ways, SecurityEventLog events, MailOutbox mails)
    : EndpointWithoutRequest<Results<Ok<RemovePasskeyResponse>, ProblemHttpResult>>
{
    const string Sentence = "Passkey removed successfully";

    public override void Configure()
    {
        Delete("/me/passkeys/{id:long:min(1)}");
        Description(d => d.ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status409Conflict)
            .WithMetadata(new DescribedParameter("id", "The passkey's id.")).NeedsFreshLogin().WithTags("Passkeys"));
        Summary(s =>
        {
            s.Summary = "Remove one of my passkeys";
            s.Description = "It logs in no more; sessions stay. The device keeps its part until the person deletes it there "
                + "(`PublicKeyCredential.signalUnknownCredential` hides it). The last way into an account cannot be removed. "
                + "The owner is told by mail.";
            s.ResponseExamples[200] = new RemovePasskeyResponse(Sentence);
            s.Responses[200] = "Removed.";
            s.Responses[404] = ErrorCodes.PasskeyNotFound.Sentence;
            s.Responses[409] = ErrorCodes.LastWayIn.Sentence;
        });
    }

    public override async Task<Results<Ok<RemovePasskeyResponse>, ProblemHttpResult>> ExecuteAsync(CancellationToken ct)
    {
        var id = Route<long>("id");
        await using var transaction = await db.LockUserAsync(me.Id, ct);
        if (await db.Passkeys.Where(p => p.Id == id && p.UserId == me.Id).ExecuteDeleteAsync(ct) == 0)
            return Problems.Of(ErrorCodes.PasskeyNotFound);
        if (!await ways.RemainAsync(me.Id, ct))
            return Problems.Of(ErrorCodes.LastWayIn);
        events.Add(me.Id, SecurityEventKind.PasskeyRemoved);
        mails.Add(MailKind.WayInChanged, me.User.Email, me.Id, MailChange.PasskeyRemoved);
        await db.SaveChangesAsync(ct);
        await transaction.CommitAsync(ct);
        return TypedResults.Ok(new RemovePasskeyResponse(Sentence));
    }
}
