using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Identities;
using Profiles.Infrastructure.SecurityEvents;
using Profiles.Infrastructure.Webhooks;

namespace Profiles.Infrastructure.Accounts;

/// <summary>Gives whoever has proved a mailbox the account of its address.</summary>
sealed class Mailboxes(
    ProfilesDbContext db, PendingChanges pending, SecurityEventLog events, WebhookEvents webhooks, AppleOutbox apple, TimeProvider clock)
{
    /// <summary>
    /// Verifies the address of an account, if that is still to be done. A stranger may have registered it and waits for the owner to use it
    /// (pre-hijacking): password, sessions, identities, passkeys and second factor of the time before go. The caller has locked the user's
    /// row, and saves.
    /// </summary>
    public async Task ProveAsync(User user, CancellationToken ct)
    {
        if (user.EmailVerifiedAt is not null)
            return;
        user.ConfirmEmail(clock.GetUtcNow().UtcDateTime);
        user.PasswordHash = "";
        await pending.VoidAsync(user, keptSession: null, ct);
        await apple.AddRevocationsAsync(db, user.Id, ct);
        await db.Identities.Where(i => i.UserId == user.Id).ExecuteDeleteAsync(ct);
        await db.Passkeys.Where(p => p.UserId == user.Id).ExecuteDeleteAsync(ct);
        await db.SecondFactors.Where(f => f.UserId == user.Id).ExecuteDeleteAsync(ct);
        await db.RecoveryCodes.Where(c => c.UserId == user.Id).ExecuteDeleteAsync(ct);
        events.Add(user.Id, SecurityEventKind.WaysInRemoved);
    }

    /// <summary>
    /// Makes an account without a password in the caller's transaction, and saves. A registration of the address that waits to be confirmed
    /// goes: a stranger may have written it.
    /// </summary>
    /// <param name="email">
    /// The address as it was proved: a mail server may treat another spelling as another mailbox. Null for an account without one.
    /// </param>
    /// <param name="name">The name of the profile; null for none.</param>
    /// <param name="ct">Cancels it.</param>
    public async Task<User> CreateAsync(string? email, string? name, CancellationToken ct)
    {
        var normalizedEmail = await TakeOverAsync(email, ct);
        var user = new User
        {
            Email = email,
            NormalizedEmail = normalizedEmail,
            EmailVerifiedAt = email is null ? null : clock.GetUtcNow().UtcDateTime,
            Profile = new() { Name = name?.Trim() ?? "" },
        };
        db.Users.Add(user);
        await webhooks.SaveNewUsersAsync(db, ct);
        events.Add(user.Id, SecurityEventKind.Registered, device: null);
        if (email is not null)
            events.Add(user.Id, SecurityEventKind.EmailVerified, device: null);
        await db.SaveChangesAsync(ct);
        return user;
    }

    /// <summary>
    /// Does the same with the account of a guest, whose row the caller has locked: it gets the address, and the name if it has none.
    /// </summary>
    public async Task<User> UpgradeAsync(User guest, string? email, string? name, CancellationToken ct)
    {
        await TakeOverAsync(email, ct);
        await pending.VoidKeepingSessionsAsync(guest, ct);
        if (email is not null)
        {
            guest.ChangeEmail(email);
            guest.ConfirmEmail(clock.GetUtcNow().UtcDateTime);
            events.Add(guest.Id, SecurityEventKind.EmailChanged);
            events.Add(guest.Id, SecurityEventKind.EmailVerified);
        }
        guest.GuestSince = null;
        if (guest.Profile.Name.Length == 0)
            guest.Profile.Name = name?.Trim() ?? "";
        await db.SaveChangesAsync(ct);
        return guest;
    }

    // Returns the address in the form that is compared.
    async Task<string?> TakeOverAsync(string? email, CancellationToken ct)
    {
        if (email is null)
            return null;
        var normalized = User.Normalize(email);
        await db.WaitingRegistrations.Where(r => r.NormalizedEmail == normalized).ExecuteDeleteAsync(ct);
        await db.Outbox.Where(e => e.UserId == 0 && e.Mail == MailKind.ConfirmRegistration && e.Key == normalized).ExecuteDeleteAsync(ct);
        return normalized;
    }
}
