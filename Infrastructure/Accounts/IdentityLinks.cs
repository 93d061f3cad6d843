using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Identities;
using Profiles.Infrastructure.Mail;
using Profiles.Infrastructure.SecurityEvents;

namespace Profiles.Infrastructure.Accounts;

/// <summary>Links what an identity token says to accounts. Each method runs in the caller's transaction.</summary>
sealed class IdentityLinks(ProfilesDbContext db, SecurityEventLog events, MailOutbox mails, AppleOutbox apple, TimeProvider clock)
{
    /// <summary>
    /// Marks a token as used; false when it was before. Its app chooses the nonce, so nothing else tells a thief's request from the app's.
    /// </summary>
    public async Task<bool> TrySpendAsync(IdentityClaims claims, CancellationToken ct)
    {
        var expires = ProfilesDbContext.ToStored(claims.ExpiresAt);
        // Of simultaneous requests the others wait here for the first one's end.
        return await db.Database.ExecuteSqlAsync(
            $"""
            INSERT INTO challenges (hash, kind, data, tries, expires_at)
            VALUES ({claims.Hash}, {(int)ChallengeKind.SpentIdentityToken}, '', 0, {expires})
            ON CONFLICT (hash) DO NOTHING
            """, ct) == 1;
    }

    /// <summary>Adds the identity to an account whose row is locked, and saves it; the caller saves what is added besides.</summary>
    /// <param name="userId">The account.</param>
    /// <param name="claims">What the token says.</param>
    /// <param name="device">The device's name, as the app sent it.</param>
    /// <param name="ct">Cancels it.</param>
    /// <exception cref="DbUpdateException">The identity is linked to an account already.</exception>
    public async Task<Identity> AddAsync(long userId, IdentityClaims claims, string? device, CancellationToken ct)
    {
        var identity = new Identity
        {
            UserId = userId,
            Provider = claims.Provider,
            Subject = claims.Subject,
            Email = claims.Email,
            CreatedAt = ProfilesDbContext.ToStored(clock.GetUtcNow().UtcDateTime),
        };
        db.Identities.Add(identity);
        await db.SaveChangesAsync(ct);
        events.Add(userId, SecurityEventKind.IdentityAdded, device?.Trim());
        return identity;
    }

    /// <summary>Adds a mail to the owner, who may not have done it; the caller saves.</summary>
    public void TellOwner(long userId, string? email, MailChange change, string provider) =>
        mails.Add(MailKind.WayInChanged, email, userId, change, provider);

    /// <summary>Adds what follows from the removal of an identity; the caller saves.</summary>
    public void AfterRemoval(Identity identity, string? email)
    {
        apple.AddRevocation(db, identity);
        events.Add(identity.UserId, SecurityEventKind.IdentityRemoved);
        TellOwner(identity.UserId, email, MailChange.IdentityRemoved, identity.Provider);
    }
}
