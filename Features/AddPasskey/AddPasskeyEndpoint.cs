using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Mail;
using Profiles.Infrastructure.Passkeys;
using Profiles.Infrastructure.SecurityEvents;
using Profiles.Infrastructure.Sessions;

namespace Profiles.Features.AddPasskey;

sealed class AddPasskeyEndpoint(
    ProfilesDbContext db, CurrentUser me, Challenges challenges, PasskeyVerifier verifier, WaysIn ways, SecurityEventLog events,
    MailOutbox mails, TimeProvider clock)
    : Endpoint<AddPasskeyRequest, Results<Created<PasskeyDescription>, ProblemHttpResult>>
{
    public override void Configure()
    {
        Post("/passkeys/registration/verify");
        Description(d => d.ProducesProblem(StatusCodes.Status409Conflict).NeedsFreshLogin(ofEverybody: true).WithTags("Passkeys"));
        Summary(s =>
        {
            s.Summary = "Add a passkey";
            s.Description = "Takes what the platform's call made of the options of this session. From then on the passkey logs in; it "
                + "stands for two factors, as it always asks for the person's PIN, finger or face. A guest's account becomes a full one. "
                + "The owner is told by mail.";
            s.ExampleRequest = new(
                new("MlPnsq9bkpZaNbUx", "MlPnsq9bkpZaNbUx", "public-key",
                    new("eyJ0eXBlIjoid2ViYXV0aG4uY3JlYXRlIn0", "o2NmbXRkbm9uZQ", ["internal", "hybrid"])),
                "John's phone");
            s.ResponseExamples[201] = PasskeyDescription.Example;
            s.ResponseExamples[400] = Problem.Example(ErrorCodes.PasskeyRefused, "credential");
            s.ResponseExamples[409] = Problem.Example(ErrorCodes.PasskeyTaken);
            s.Responses[201] = "Added.";
            s.Responses[409] = "The passkey is registered already, there are too many, or the e-mail address is not confirmed.";
        });
    }

    public override async Task<Results<Created<PasskeyDescription>, ProblemHttpResult>> ExecuteAsync(
        AddPasskeyRequest req, CancellationToken ct)
    {
        var answer = PasskeyAnswer.Of(req.Credential)!;
        if (await challenges.FindAsync(ChallengeKind.PasskeyRegistration, answer.Challenge, ct) is not { } challenge
            || challenge.UserId != me.Id || challenge.SessionId != me.SessionId || !await challenges.TryUseAsync(challenge, ct)
            || verifier.Verify(answer) is not { } made)
            return Problems.Refused("credential", ErrorCodes.PasskeyRefused, HttpContext);
        var passkey = AddPasskeyMapper.ToEntity(req, made, me.Id, challenge.Data, clock.GetUtcNow().UtcDateTime);

        await using var transaction = await db.LockUserAsync(me.Id, ct);
        // Locks this row too: a session that ends with the account's other ways in leaves no passkey behind.
        await db.Users.Where(u => u.Id == me.Id).ExecuteUpdateAsync(u => u.SetProperty(x => x.GuestSince, (DateTime?)null), ct);
        if (!await db.HasSessionAsync(me.Id, me.SessionId, ct))
            return Problems.Of(ErrorCodes.InvalidAccessToken);
        if (!await ways.MayGrowAsync(me.Id, ct))
            return Problems.Of(ErrorCodes.EmailUnverified);
        if (await db.Passkeys.CountAsync(p => p.UserId == me.Id, ct) >= Passkey.MostPerUser)
            return Problems.Of(ErrorCodes.TooManyPasskeys);
        db.Passkeys.Add(passkey);
        events.Add(me.Id, SecurityEventKind.PasskeyAdded);
        mails.Add(MailKind.WayInChanged, me.User.Email, me.Id, MailChange.PasskeyAdded);
        try
        {
            await db.SaveChangesAsync(ct);
        }
        catch (DbUpdateException e) when (DatabaseErrors.IsUniqueViolation(e))
        {
            return Problems.Of(ErrorCodes.PasskeyTaken);
        }
        await transaction.CommitAsync(ct);
        return TypedResults.Created("/me/passkeys", PasskeyDescription.Of(passkey));
    }
}
