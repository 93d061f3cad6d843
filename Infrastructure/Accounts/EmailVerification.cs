using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Mail;
using Profiles.Infrastructure.SecurityEvents;

namespace Profiles.Infrastructure.Accounts;

/// <summary>Takes an address as the user's own when the token that went there comes back.</summary>
sealed class EmailVerification(
    ProfilesDbContext db, OneTimeTokens tokens, CredentialChange credentials, SecurityEventLog events, MailOutbox mails, TimeProvider clock)
{
    /// <summary>False when the token is not good, or its address is not asked for any more, or another has it now: nothing has changed then.</summary>
    public async Task<bool> VerifyAsync(string token, CancellationToken ct)
    {
        if (await tokens.FindAsync(token, TokenPurpose.VerifyEmail, ct) is not { } row)
            return false;
        try
        {
            await using var turn = await db.TakeTurnAsync(row.UserId, ct);
            if (!await tokens.TryUseAsync(row, ct) || await db.TrackUserAsync(row.UserId, ct) is not { } user || !await TakeAsync(user, row.NormalizedEmail, ct))
                return false;
            user.EmailVerifiedAt = clock.GetUtcNow().UtcDateTime;
            await db.SaveChangesAsync(ct);
            await turn.CommitAsync(ct);
            return true;
        }
        catch (DbUpdateException e) when (DatabaseFaults.IsUniqueViolation(e) || e is DbUpdateConcurrencyException)
        {
            return false;
        }
    }

    async Task<bool> TakeAsync(User user, string address, CancellationToken ct)
    {
        if (user.NormalizedEmail == address)
        {
            // Whoever is logged in knows the password, which stays: to log them out would keep nobody out.
            await credentials.VoidPendingAsync(user, ct);
            events.Add(user.Id, SecurityEventKind.EmailVerified);
            return true;
        }
        if (user.PendingEmail is not { } pending || User.Normalize(pending) != address)
            return false;
        var old = user.Email;
        await credentials.VoidAsync(user, user.PendingSessionId, ct);
        user.ChangeEmail(pending);
        mails.Add(MailKind.EmailChanged, old, user.Id);
        events.Add(user.Id, SecurityEventKind.EmailChanged);
        return true;
    }
}
