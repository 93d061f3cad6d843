using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Idempotency;
using Profiles.Infrastructure.Limits;
using Profiles.Infrastructure.Mail;
using Profiles.Infrastructure.Passwords;
using Profiles.Infrastructure.SecurityEvents;
using Profiles.Infrastructure.Telemetry;
using Profiles.Infrastructure.Webhooks;

namespace Profiles.Features.Register;

sealed class RegisterEndpoint(
    ProfilesDbContext db, PasswordHasher passwords, MailOutbox mails, SecurityEventLog events, WebhookEvents webhooks,
    GuestUpgrade guests, MailCodes codes, IOptions<AccountOptions> accounts, ServiceMetrics metrics, TimeProvider clock)
    : Endpoint<RegisterRequest, Results<Created<RegisterResponse>, Accepted<RegisterPendingResponse>, ProblemHttpResult>, RegisterMapper>
{
    public override void Configure()
    {
        Post("/register");
        AllowAnonymous();
        Description(d => d.TakesGuest().LimitedTo(Limit.Registrations).TakesIdempotencyKey().WithTags("Account"));
        Summary(s =>
        {
            s.Summary = "Register a user";
            s.Description = "Creates an account with a profile and sends a mail to confirm the address, which is case-insensitive. "
                + "With `from_guest` and a guest's access token it is the guest's account that gets address and password; the code is "
                + "`not_a_guest` when it is no guest's any more.";
            s.ExampleRequest = new("John Doe", "john@example.com", Resolve<IOptions<PasswordOptions>>().Value.Example);
            s.ResponseExamples[201] = new RegisterResponse(1, "User registered successfully");
            s.ResponseExamples[202] = new RegisterPendingResponse(RegisterPendingResponse.Sentence);
            s.ResponseExamples[400] = Problem.Example(ErrorCodes.EmailInvalid, "email");
            s.Responses[201] = "Registered; log in next.";
            s.Responses[202] = "Where addresses must be verified (`Accounts__RequireVerifiedEmail`): the same for a new address and a "
                + "taken one. The mail says what to do next; until then, another registration of the address replaces this one.";
            s.Responses[401] = ErrorCodes.InvalidAccessToken.Sentence;
            s.Responses[409] = "Email already registered";
        });
    }

    public override Task<Results<Created<RegisterResponse>, Accepted<RegisterPendingResponse>, ProblemHttpResult>> ExecuteAsync(
        RegisterRequest req, CancellationToken ct) =>
        metrics.Registrations.CountAsync(() => RegisterAsync(req, ct), answer => answer.Result switch
        {
            Created<RegisterResponse> => Outcome.Success,
            Accepted<RegisterPendingResponse> => "pending",
            _ => Outcome.Refused,
        });

    async Task<Results<Created<RegisterResponse>, Accepted<RegisterPendingResponse>, ProblemHttpResult>> RegisterAsync(
        RegisterRequest req, CancellationToken ct)
    {
        if (req.FromGuest is true && await guests.RefuseAsync(HttpContext) is { } refusal)
            return refusal;
        var hash = await passwords.HashAsync(req.Password, ct);
        var (token, asked) = await codes.AskAsync(MailCodePurpose.VerifyEmail, Data.User.Normalize(req.Email), ct);
        try
        {
            if (await (req.FromGuest is true ? UpgradeAsync(req, hash, asked, ct) : AddAsync(Map.ToEntity(req), hash, asked, ct))
                is not { } user)
                return Problems.Of(ErrorCodes.NotAGuest);
            return accounts.Value.RequireVerifiedEmail
                ? TypedResults.Accepted((string?)null, new RegisterPendingResponse(RegisterPendingResponse.Sentence, token))
                : TypedResults.Created("/me", Map.FromEntity(user) with { RequestToken = token });
        }
        catch (DbUpdateException e) when (DatabaseErrors.IsUniqueViolation(e))
        {
            return Problems.Of(ErrorCodes.EmailTaken);
        }
    }

    Task<Data.User?> UpgradeAsync(RegisterRequest req, string hash, byte[]? asked, CancellationToken ct) =>
        ActivatorUtilities.CreateInstance<RegisterFromGuest>(HttpContext.RequestServices)
            .UpgradeAsync(user => Map.UpdateEntity(req, user), req.Email, hash, asked, ct);

    async Task<Data.User?> AddAsync(Data.User user, string hash, byte[]? asked, CancellationToken ct)
    {
        user.PasswordHash = hash;
        if (accounts.Value.RequireVerifiedEmail)
        {
            await StoreWaitingAsync(user, asked, ct);
            return user;
        }
        db.Users.Add(user);
        mails.Add(MailKind.VerifyEmail, user.NormalizedEmail, request: asked);
        events.AddWithoutLog(user, SecurityEventKind.Registered);
        await webhooks.SaveNewUsersAsync(db, ct);
        events.WriteToLog(user.Id, SecurityEventKind.Registered);
        return user;
    }

    // Stores the registration until its address is confirmed. It replaces a waiting one of the same address, whose token, digits and mail
    // become void. Does not look for an account with the address, so that both cases take the same work; the mail tells its owner.
    async Task StoreWaitingAsync(Data.User user, byte[]? asked, CancellationToken ct)
    {
        var now = ProfilesDbContext.ToStored(clock.GetUtcNow().UtcDateTime);
        await using var transaction = await db.Database.BeginTransactionAsync(ct);
        // One statement, so that the later of two concurrent registrations replaces the earlier.
        await db.Database.ExecuteSqlAsync($"""
            INSERT INTO waiting_registrations (normalized_email, email, name, password_hash, created_at)
            VALUES ({user.NormalizedEmail}, {user.Email}, {user.Profile.Name}, {user.PasswordHash}, {now})
            ON CONFLICT (normalized_email) DO UPDATE SET
                email = excluded.email, name = excluded.name, password_hash = excluded.password_hash,
                created_at = excluded.created_at, token_hash = NULL, token_purpose = NULL, token_expires_at = NULL
            """, ct);
        await db.Outbox.Where(e => e.UserId == 0 && e.Mail == MailKind.ConfirmRegistration && e.Key == user.NormalizedEmail)
            .ExecuteDeleteAsync(ct);
        mails.Add(MailKind.ConfirmRegistration, user.NormalizedEmail, request: asked);
        await db.SaveChangesAsync(ct);
        await transaction.CommitAsync(ct);
    }
}
