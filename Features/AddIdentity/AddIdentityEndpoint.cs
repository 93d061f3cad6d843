using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Identities;
using Profiles.Infrastructure.Limits;
using Profiles.Infrastructure.Mail;
using Profiles.Infrastructure.Sessions;

namespace Profiles.Features.AddIdentity;

sealed class AddIdentityEndpoint(
    ProfilesDbContext db, CurrentUser me, IdentityProviders providers, IdentityTokens identities, IdentityLinks links, WaysIn ways,
    AppleOutbox apple)
    : Endpoint<AddIdentityRequest, Results<Created<AddIdentityResponse>, ProblemHttpResult>>
{
    public override void Configure()
    {
        Post("/me/identities");
        Description(d => d.ProducesProblem(StatusCodes.Status409Conflict).LimitedTo(Limit.IdTokens)
            .NeedsFreshLogin(ofEverybody: true).WithTags("Identities"));
        Summary(s =>
        {
            s.Summary = "Link an identity";
            s.Description = "Lets an account at Apple, Google or another issuer log in to mine, whatever its address is. The identity "
                + "token is the one that `POST /login/id-token` takes; after `account_exists` the same one is good here.";
            s.ExampleRequest = new("google", "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiI0MiJ9.c2lnbmF0dXJl", "n-0S6_WzA2Mj");
            s.ResponseExamples[201] = new AddIdentityResponse(1, "google", "john@gmail.com", new(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc));
            s.ResponseExamples[400] = Problem.Example(ErrorCodes.ProviderUnknown, "provider");
            s.Responses[201] = "Linked.";
            s.Responses[409] = $"{ErrorCodes.IdentityTaken.Sentence} {ErrorCodes.TooManyIdentities.Sentence} "
                + $"Or: {ErrorCodes.EmailUnverified.Sentence}";
        });
    }

    public override async Task<Results<Created<AddIdentityResponse>, ProblemHttpResult>> ExecuteAsync(
        AddIdentityRequest req, CancellationToken ct)
    {
        if (providers.Find(req.Provider) is not { } provider)
            return Problems.Refused("provider", ErrorCodes.ProviderUnknown, HttpContext);
        if (await identities.VerifyAsync(provider, req.IdToken, req.Nonce, ct) is not { } claims)
            return Refused();
        await using var transaction = await db.Database.BeginTransactionAsync(ct);
        if (!await links.TrySpendAsync(claims, ct))
            return Refused();
        // Locks the row. A guest has a way in from now on.
        if (await db.Users.Where(u => u.Id == me.Id && u.DisabledAt == null)
            .ExecuteUpdateAsync(u => u.SetProperty(x => x.GuestSince, (DateTime?)null), ct) == 0)
            throw new UserDeletedException();
        if (!await db.HasSessionAsync(me.Id, me.SessionId, ct))
            return Problems.Of(ErrorCodes.InvalidAccessToken);
        if (!await ways.MayGrowAsync(me.Id, ct))
            return Problems.Of(ErrorCodes.EmailUnverified);
        if (await db.Identities.CountAsync(i => i.UserId == me.Id, ct) >= Identity.MostPerUser)
            return Problems.Of(ErrorCodes.TooManyIdentities);
        try
        {
            var identity = await links.AddAsync(me.Id, claims, me.Device, ct);
            links.TellOwner(me.Id, me.User.Email, MailChange.IdentityAdded, identity.Provider);
            apple.AddExchange(db, identity, claims.Audience, req.AuthorizationCode);
            await db.SaveChangesAsync(ct);
            await transaction.CommitAsync(ct);
            return TypedResults.Created(
                "/me/identities", new AddIdentityResponse(identity.Id, identity.Provider, identity.Email, identity.CreatedAt));
        }
        catch (DbUpdateException e) when (DatabaseErrors.IsUniqueViolation(e))
        {
            return Problems.Of(ErrorCodes.IdentityTaken);
        }
    }

    // Not 401, which would say that the session has ended.
    ProblemHttpResult Refused() => Problems.Refused("id_token", ErrorCodes.IdTokenRefused, HttpContext);
}
