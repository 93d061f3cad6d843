using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Mail;
using Profiles.Infrastructure.SecurityEvents;

namespace Profiles.Infrastructure.Accounts;

/// <summary>
/// Welcomes who registers, or where addresses must be verified, lets the registration wait until the mailbox has decided which of them becomes the account
/// (docs/adr/0008-e-mail-verification.md).
/// </summary>
sealed class Registrations(ProfilesDbContext db, MailOutbox mails, SecurityEventLog events, OneTimeTokens tokens, IOptions<AccountOptions> options, TimeProvider clock)
{
    DateTime Now => ProfilesDbContext.AsKept(clock.GetUtcNow().UtcDateTime);

    /// <summary>Asks a user who is about to be saved for the first time to show that the address is theirs.</summary>
    public void Welcome(User user)
    {
        mails.Add(MailKind.VerifyEmail, user.NormalizedEmail);
        events.AddFirst(user, SecurityEventKind.Registered);
    }

    /// <summary>
    /// Keeps a registration until its address is confirmed, in place of one that waits for the same address, whose token and mail are void then. Whether the address is
    /// taken is not asked: the work is the same, and the mail tells its owner.
    /// </summary>
    public async Task WaitAsync(User user, CancellationToken ct)
    {
        await using var transaction = await db.Database.BeginTransactionAsync(ct);
        // One statement, so that of two at once one comes after the other and replaces it.
        await db.Database.ExecuteSqlAsync($"""
            INSERT INTO waiting_registrations (normalized_email, email, name, password_hash, created_at)
            VALUES ({user.NormalizedEmail}, {user.Email}, {user.Profile.Name}, {user.PasswordHash}, {Now})
            ON CONFLICT (normalized_email) DO UPDATE SET email = excluded.email, name = excluded.name, password_hash = excluded.password_hash,
                created_at = excluded.created_at, token_hash = NULL, token_purpose = NULL, token_expires_at = NULL
            """, ct);
        await db.Outbox.Where(e => e.UserId == 0 && e.Mail == MailKind.ConfirmRegistration && e.Key == user.NormalizedEmail).ExecuteDeleteAsync(ct);
        mails.Add(MailKind.ConfirmRegistration, user.NormalizedEmail);
        await db.SaveChangesAsync(ct);
        await transaction.CommitAsync(ct);
    }

    /// <summary>The registration that waits for an address; null when there is none, or its time is over.</summary>
    public Task<WaitingRegistration?> FindAsync(string normalizedEmail, CancellationToken ct)
    {
        var over = Now - options.Value.VerifyLifetime;
        return db.WaitingRegistrations.AsNoTracking().SingleOrDefaultAsync(r => r.NormalizedEmail == normalizedEmail && r.CreatedAt > over, ct);
    }

    /// <summary>The registration that a token is good for now; null when there is none.</summary>
    public Task<WaitingRegistration?> FindAsync(string token, TokenPurpose purpose, CancellationToken ct)
    {
        var (hash, now, over) = (OneTimeTokens.Hash(token), Now, Now - options.Value.VerifyLifetime);
        return db.WaitingRegistrations.AsNoTracking()
            .SingleOrDefaultAsync(r => r.TokenHash == hash && r.TokenPurpose == purpose && r.TokenExpiresAt > now && r.CreatedAt > over, ct);
    }

    /// <summary>Makes the one token that is good for a registration from now on; null when another registration has replaced it.</summary>
    public async Task<string?> MakeTokenAsync(WaitingRegistration registration, TokenPurpose purpose, CancellationToken ct)
    {
        var (token, hash) = OneTimeTokens.Make();
        var expires = Now + tokens.LifetimeOf(purpose);
        return await Same(registration).ExecuteUpdateAsync(r => r
            .SetProperty(x => x.TokenHash, hash).SetProperty(x => x.TokenPurpose, purpose).SetProperty(x => x.TokenExpiresAt, expires), ct) == 1 ? token : null;
    }

    /// <summary>Makes the account that a token of the mail confirms. False when there is none, another registration has replaced it, or the address is somebody's now.</summary>
    public async Task<bool> ConfirmAsync(string token, CancellationToken ct) =>
        await FindAsync(token, TokenPurpose.VerifyEmail, ct) is { } registration && await ConfirmAsync(registration, registration.PasswordHash, ct);

    /// <summary>The same for a registration that a token was found for, with another password.</summary>
    public async Task<bool> ConfirmAsync(WaitingRegistration registration, string passwordHash, CancellationToken ct)
    {
        await using var transaction = await db.Database.BeginTransactionAsync(ct);
        // Who removes the row has it: another registration, another mail or another use of the token comes before that or after it.
        if (await Same(registration).Where(r => r.TokenHash == registration.TokenHash).ExecuteDeleteAsync(ct) == 0)
            return false;
        var user = new User
        {
            Email = registration.Email,
            NormalizedEmail = registration.NormalizedEmail,
            PasswordHash = passwordHash,
            EmailVerifiedAt = Now,
            Profile = new() { Name = registration.Name },
        };
        db.Users.Add(user);
        events.AddFirst(user, SecurityEventKind.Registered);
        events.AddFirst(user, SecurityEventKind.EmailVerified);
        try
        {
            await db.SaveChangesAsync(ct);
        }
        catch (DbUpdateException e) when (DatabaseFaults.IsUniqueViolation(e))
        {
            return false;
        }
        await transaction.CommitAsync(ct);
        return true;
    }

    IQueryable<WaitingRegistration> Same(WaitingRegistration registration) =>
        db.WaitingRegistrations.Where(r => r.NormalizedEmail == registration.NormalizedEmail && r.PasswordHash == registration.PasswordHash);
}
