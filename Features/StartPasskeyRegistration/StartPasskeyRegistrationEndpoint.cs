using System.Security.Cryptography;
using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Passkeys;
using Profiles.Infrastructure.Sessions;

namespace Profiles.Features.StartPasskeyRegistration;

sealed class StartPasskeyRegistrationEndpoint(
    ProfilesDbContext db, CurrentUser me, Challenges challenges, RelyingParty party, WaysIn ways)
    : EndpointWithoutRequest<Results<Ok<StartPasskeyRegistrationResponse>, ProblemHttpResult>>
{
    public override void Configure()
    {
        Post("/passkeys/registration/options");
        Description(d => d.ProducesProblem(StatusCodes.Status409Conflict).NeedsFreshLogin(ofEverybody: true).WithTags("Passkeys"));
        Summary(s =>
        {
            s.Summary = "Ask how to make a passkey";
            s.Description = "The options that the platform's own call takes: `navigator.credentials.create` (by "
                + "`parseCreationOptionsFromJSON`), Credential Manager or AuthenticationServices. Send what it makes to "
                + "`/passkeys/registration/verify` within five minutes; a session's newer options replace older ones.";
            s.ResponseExamples[200] = new StartPasskeyRegistrationResponse(
                new("example.com", "Profiles"), new("qk3ViFiRAGMWvXWQGJ2-MlPnsq9bkpZaNbUxmsRLYhE", "john@example.com", "John Doe"),
                "9bkpZaNbUxmsRLYhEqk3ViFiRAGMWvXWQGJ2-MlPnsq", [new("public-key", -7), new("public-key", -8), new("public-key", -257)],
                300_000, [new("public-key", "MlPnsq9bkpZaNbUx", ["internal", "hybrid"])], new("required", true, "required"), "none");
            s.ResponseExamples[409] = Problem.Example(ErrorCodes.TooManyPasskeys);
            s.Responses[200] = "The options.";
            s.Responses[409] = $"{ErrorCodes.TooManyPasskeys.Sentence} Or: {ErrorCodes.EmailUnverified.Sentence}";
        });
    }

    public override async Task<Results<Ok<StartPasskeyRegistrationResponse>, ProblemHttpResult>> ExecuteAsync(CancellationToken ct)
    {
        if (!await ways.MayGrowAsync(me.Id, ct))
            return Problems.Of(ErrorCodes.EmailUnverified);
        var passkeys = await db.Passkeys.AsNoTracking().Where(p => p.UserId == me.Id).OrderBy(p => p.Id).ToListAsync(ct);
        if (passkeys.Count >= Passkey.MostPerUser)
            return Problems.Of(ErrorCodes.TooManyPasskeys);
        // The same in all passkeys of a user, by which authenticators know whose they are.
        var handle = passkeys is [var first, ..] ? first.UserHandle : RandomNumberGenerator.GetBytes(Passkey.UserHandleLength);
        var challenge = RandomNumberGenerator.GetBytes(Challenges.SecretBytes);
        // One for each session, so that nobody fills the table.
        await db.Challenges
            .Where(c => c.UserId == me.Id && c.SessionId == me.SessionId && c.Kind == ChallengeKind.PasskeyRegistration)
            .ExecuteDeleteAsync(ct);
        challenges.Add(ChallengeKind.PasskeyRegistration, challenge, Convert.ToHexString(handle), me.Id, me.SessionId);
        await db.SaveChangesAsync(ct);
        return TypedResults.Ok(StartPasskeyRegistrationMapper.ToResponse(party, me.User, handle, challenge, passkeys));
    }
}
