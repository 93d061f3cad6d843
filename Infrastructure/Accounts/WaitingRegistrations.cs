using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.SecurityEvents;
using Profiles.Infrastructure.Webhooks;

namespace Profiles.Infrastructure.Accounts;

/// <summary>
/// Finds registrations whose addresses are not confirmed yet and turns them into accounts (docs/adr/0008-e-mail-verification.md).
/// </summary>
sealed class WaitingRegistrations(
    ProfilesDbContext db, SecurityEventLog events, WebhookEvents webhooks, OneTimeTokens tokens, IOptions<AccountOptions> options,
    TimeProvider clock)
{
    DateTime Now => ProfilesDbContext.ToStored(clock.GetUtcNow().UtcDateTime);

    /// <summary>Finds the registration of an address; null when there is none or it has expired.</summary>
    public Task<WaitingRegistration?> FindAsync(string normalizedEmail, CancellationToken ct) =>
        Current().SingleOrDefaultAsync(r => r.NormalizedEmail == normalizedEmail, ct);

    /// <summary>Finds the registration of a valid token's hash; null when there is none.</summary>
    public Task<WaitingRegistration?> FindAsync(byte[] hash, TokenPurpose purpose, CancellationToken ct)
    {
        var now = Now;
        return Current().SingleOrDefaultAsync(r => r.TokenHash == hash && r.TokenPurpose == purpose && r.TokenExpiresAt > now, ct);
    }

    /// <summary>Since when the registration of an address waits; null when none does, or an account has the address.</summary>
    public Task<DateTime?> FindTimeAsync(string normalizedEmail, CancellationToken ct) => Current()
        .Where(r => r.NormalizedEmail == normalizedEmail && !db.Users.Any(u => u.NormalizedEmail == normalizedEmail))
        .Select(r => (DateTime?)r.CreatedAt).SingleOrDefaultAsync(ct);

    /// <summary>Makes a token the only valid one of a registration; false when another registration has replaced it.</summary>
    public async Task<bool> TryGiveTokenAsync(
        WaitingRegistration registration, TokenPurpose purpose, string token, CancellationToken ct)
    {
        var (hash, expires) = (OneTimeTokens.Hash(token), Now + tokens.LifetimeOf(purpose));
        return await Same(registration).ExecuteUpdateAsync(r => r
            .SetProperty(x => x.TokenHash, hash)
            .SetProperty(x => x.TokenPurpose, purpose)
            .SetProperty(x => x.TokenExpiresAt, expires), ct) == 1;
    }

    /// <summary>
    /// Creates the account of a registration that was just found. False when another registration has replaced it, its token has changed,
    /// or the address has an account by now.
    /// </summary>
    /// <param name="registration">The registration.</param>
    /// <param name="passwordHash">The account's password, hashed.</param>
    /// <param name="ct">Cancels it.</param>
    /// <param name="record">Adds what is to be saved with the account, which has its id by then.</param>
    public async Task<bool> ConfirmAsync(
        WaitingRegistration registration, string passwordHash, CancellationToken ct, Action<User>? record = null)
    {
        await using var transaction = await db.Database.BeginTransactionAsync(ct);
        // The request that deletes the row creates the account; a new registration, mail or use of the token makes the condition false.
        if (await Same(registration).Where(r => r.TokenHash == registration.TokenHash).ExecuteDeleteAsync(ct) == 0)
            return false;
        // A mail that is sent again must not make the token valid that was just used. Codes of logins do not make it.
        await db.MailCodes.Where(c => c.NormalizedEmail == registration.NormalizedEmail && c.Purpose != MailCodePurpose.Login)
            .ExecuteDeleteAsync(ct);
        var user = new User
        {
            Email = registration.Email,
            NormalizedEmail = registration.NormalizedEmail,
            PasswordHash = passwordHash,
            EmailVerifiedAt = Now,
            Profile = new() { Name = registration.Name },
        };
        db.Users.Add(user);
        events.AddWithoutLog(user, SecurityEventKind.Registered);
        events.AddWithoutLog(user, SecurityEventKind.EmailVerified);
        try
        {
            await webhooks.SaveNewUsersAsync(db, ct);
        }
        catch (DbUpdateException e) when (DatabaseErrors.IsUniqueViolation(e))
        {
            return false;
        }
        if (record is not null)
        {
            record(user);
            await db.SaveChangesAsync(ct);
        }
        await transaction.CommitAsync(ct);
        events.WriteToLog(user.Id, SecurityEventKind.Registered);
        events.WriteToLog(user.Id, SecurityEventKind.EmailVerified);
        return true;
    }

    IQueryable<WaitingRegistration> Current()
    {
        var expired = Now - options.Value.VerifyLifetime;
        return db.WaitingRegistrations.AsNoTracking().Where(r => r.CreatedAt > expired);
    }

    // The random salt in the hash distinguishes a registration from the one that has replaced it.
    IQueryable<WaitingRegistration> Same(WaitingRegistration registration) =>
        db.WaitingRegistrations.Where(
            r => r.NormalizedEmail == registration.NormalizedEmail && r.PasswordHash == registration.PasswordHash);
}
