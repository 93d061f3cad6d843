using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Identities;
using Profiles.Infrastructure.Limits;
using Profiles.Infrastructure.Sessions;
using Profiles.Infrastructure.Telemetry;

namespace Profiles.Features.LoginWithIdToken;

sealed class LoginWithIdTokenEndpoint(
    ProfilesDbContext db, IdentityProviders providers, IdentityTokens identities, IdentityLinks links, AppleOutbox apple,
    GuestUpgrade guests, SessionStart sessions, ServiceMetrics metrics, TimeProvider clock)
    : Endpoint<LoginWithIdTokenRequest, Results<Ok<LoginWithIdTokenResponse>, ProblemHttpResult>>
{
    // Of a request that others are faster than: they make the account, or link the identity.
    const int MostRetries = 3;

    public override void Configure()
    {
        Post("/login/id-token");
        AllowAnonymous();
        Description(d => d.TakesGuest().ProducesProblem(StatusCodes.Status403Forbidden).LimitedTo(Limit.IdTokens).WithTags("Identities"));
        Summary(s =>
        {
            s.Summary = "Log in with Apple, Google or another issuer";
            s.Description = "Takes the identity token of the provider's own SDK and answers as `POST /login` does. The first one makes an "
                + "account, with the address if the provider has verified it. Where that address has an account already, they are linked "
                + "if both sides have verified it and the provider decides whose it is; otherwise the code is `account_exists`, the token "
                + "stays good, and the app logs in otherwise and sends it to `POST /me/identities`. With `from_guest` and a guest's access "
                + "token the guest's account gets the identity; the code is `not_a_guest` when it is no guest's any more.";
            s.ExampleRequest = new(
                "apple", "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiI0MiJ9.c2lnbmF0dXJl", "n-0S6_WzA2Mj", "John Doe", "John's phone", "c1d2e3.0.mrtr");
            s.ResponseExamples[200] = new LoginWithIdTokenResponse(TokenPair.Example);
            s.ResponseExamples[400] = Problem.Example(ErrorCodes.ProviderUnknown, "provider");
            s.Responses[200] = "Logged in.";
            s.Responses[401] = ErrorCodes.InvalidIdToken.Sentence;
            s.Responses[403] = ErrorCodes.MfaRequired.Sentence;
            s.Responses[409] = ErrorCodes.AccountExists.Sentence;
        });
    }

    public override Task<Results<Ok<LoginWithIdTokenResponse>, ProblemHttpResult>> ExecuteAsync(
        LoginWithIdTokenRequest req, CancellationToken ct) =>
        metrics.Logins.CountAsync(() => LogInAsync(req, ct), answer => Outcome.OfLogin(answer.Result));

    async Task<Results<Ok<LoginWithIdTokenResponse>, ProblemHttpResult>> LogInAsync(LoginWithIdTokenRequest req, CancellationToken ct)
    {
        if (req.FromGuest is true && await guests.RefuseAsync(HttpContext) is { } refusal)
            return refusal;
        if (providers.Find(req.Provider) is not { } provider)
            return Problems.Refused("provider", ErrorCodes.ProviderUnknown, HttpContext);
        if (await identities.VerifyAsync(provider, req.IdToken, req.Nonce, ct) is not { } claims)
            return Problems.Of(ErrorCodes.InvalidIdToken);
        for (var retries = 0; ; retries++)
        {
            try
            {
                return await StartAsync(req, claims, ct);
            }
            catch (DbUpdateException e) when (DatabaseErrors.IsUniqueViolation(e) && retries < MostRetries)
            {
                db.ChangeTracker.Clear();
            }
        }
    }

    // What is refused rolls back, so that its token is still good: with account_exists it links the identity later.
    async Task<Results<Ok<LoginWithIdTokenResponse>, ProblemHttpResult>> StartAsync(
        LoginWithIdTokenRequest req, IdentityClaims claims, CancellationToken ct)
    {
        await using var transaction = await db.Database.BeginTransactionAsync(ct);
        if (!await links.TrySpendAsync(claims, ct))
            return Problems.Of(ErrorCodes.InvalidIdToken);
        var accounts = ActivatorUtilities.CreateInstance<LoginWithIdTokenAccounts>(HttpContext.RequestServices);
        var (identity, refusal) = await accounts.FindAsync(req, claims, ct);
        if (identity is null)
            return Problems.Of(refusal);
        apple.AddExchange(db, identity, claims.Audience, req.AuthorizationCode);
        // Null when the account is disabled, or was deleted just now.
        if (await sessions.StartAsync(identity.UserId, AuthenticationMethods.Identity, req.Device, _ => true, ct) is not { } started)
            return Problems.Of(ErrorCodes.AccountDisabled);
        var now = clock.GetUtcNow().UtcDateTime;
        // Removed before the start locked the user's row: a condition of the start would not see it, as PostgreSQL reads other tables as
        // they were before it waited.
        if (await db.Identities.Where(i => i.Id == identity.Id).ExecuteUpdateAsync(
            i => i.SetProperty(x => x.LastUsedAt, now).SetProperty(x => x.Email, claims.Email ?? identity.Email), ct) == 0)
            return Problems.Of(ErrorCodes.InvalidIdToken);
        await transaction.CommitAsync(ct);
        if (accounts.HasRegistered)
            metrics.Registrations.Count(Outcome.Success);
        return sessions.Answer(started, pair => new LoginWithIdTokenResponse(pair));
    }
}
