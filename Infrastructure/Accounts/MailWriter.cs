using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Limits;
using Profiles.Infrastructure.Mail;
using Profiles.Infrastructure.SecurityEvents;

namespace Profiles.Infrastructure.Accounts;

/// <summary>
/// Writes a mail of the outbox when it is sent, so that neither its token nor its text is stored. A retry writes a new token, and the
/// previous one becomes invalid.
/// </summary>
sealed class MailWriter(
    ProfilesDbContext db, OneTimeTokens tokens, WaitingRegistrations registrations, MailBudget budget, SecurityEventLog events,
    IOptions<MailOptions> options)
    : IMailWriter
{
    /// <summary>
    /// Returns the recipient and the text; null when the mail is void by now, its address has reached its limit or has no account.
    /// </summary>
    public async Task<(string Recipient, MailText Text)?> WriteAsync(OutboxEntry entry)
    {
        var address = User.Normalize(entry.Key);
        if (entry.Mail == MailKind.ConfirmRegistration)
            return await ConfirmRegistrationAsync(entry, address);
        if (await FindAsync(entry, address) is not { } found)
            return entry.Mail == MailKind.ResetPassword ? await ResetRegistrationAsync(entry, address) : null;
        // Locks the row: a change that voids the mail either commits first, or comes later and deletes the token.
        await using var transaction = await db.LockUserAsync(found.Id, CancellationToken.None);
        if (!await IsWantedAsync(entry) || await db.FindUserAsync(found.Id, CancellationToken.None) is not { } user)
            return null;
        var written = await WriteAsync(entry, user, address);
        await db.SaveChangesAsync(CancellationToken.None);
        await transaction.CommitAsync(CancellationToken.None);
        return written;
    }

    Task<User?> FindAsync(OutboxEntry entry, string address) =>
        entry.UserId == 0 ? db.FindUserAsync(address, CancellationToken.None) : db.FindUserAsync(entry.UserId, CancellationToken.None);

    async Task<(string Recipient, MailText Text)?> WriteAsync(OutboxEntry entry, User user, string address)
    {
        switch (entry.Mail)
        {
            case MailKind.VerifyEmail or MailKind.VerifyNewEmail or MailKind.ResetPassword when user.DisabledAt is not null:
                return null;
            case MailKind.VerifyEmail when user.NormalizedEmail == address && user.EmailVerifiedAt is null:
                // The account already has the address, so its owner asks.
                return await budget.TryTakeAsync(entry, Limit.MailsToOne, $"verify {address}")
                    ? (user.Email!, await WithTokenAsync(entry, user, TokenPurpose.VerifyEmail, address))
                    : null;
            case MailKind.VerifyNewEmail when user.PendingEmail is { } pending && User.Normalize(pending) == address:
                if (!await budget.TryTakeAsync(entry, Limit.MailsOfStrangers, address))
                    return null;
                // The address of another account: only its owner learns that.
                return await db.FindUserAsync(address, CancellationToken.None) is { } owner
                    ? (owner.Email!, Plain(MailKind.AlreadyRegistered))
                    : (pending, await WithTokenAsync(entry, user, TokenPurpose.VerifyEmail, address));
            case MailKind.ResetPassword when user.NormalizedEmail == address:
                if (!await budget.TryTakeAsync(entry, Limit.MailsToOne, address))
                    return null;
                if (entry.Attempts == 0)
                    events.Add(user.Id, SecurityEventKind.PasswordResetRequested, device: null, entry.Network);
                return (user.Email!, await WithTokenAsync(entry, user, TokenPurpose.ResetPassword, address));
            case MailKind.AlreadyRegistered when user.NormalizedEmail == address:
                return await budget.TryTakeAsync(entry, Limit.MailsOfStrangers, address)
                    ? (user.Email!, Plain(MailKind.AlreadyRegistered))
                    : null;
            case MailKind.EmailChangeRequested or MailKind.EmailChanged or MailKind.PasswordChanged:
                return (entry.Key, Plain(entry.Mail.Value, user.PendingEmail ?? (user.NormalizedEmail == address ? null : user.Email)));
            case MailKind.SecondFactorChanged:
                return (entry.Key, MailText.Of(Enum.Parse<MailChange>(entry.Payload!)));
            default:
                return null;
        }
    }

    async Task<(string Recipient, MailText Text)?> ConfirmRegistrationAsync(OutboxEntry entry, string address)
    {
        if (!await IsWantedAsync(entry) || await registrations.FindAsync(address, CancellationToken.None) is not { } registration
            || !await budget.TryTakeAsync(entry, Limit.MailsOfStrangers, address))
            return null;
        if (await db.FindUserAsync(address, CancellationToken.None) is { } owner)
            return (owner.Email!, Plain(MailKind.AlreadyRegistered));
        return await WithTokenAsync(MailKind.ConfirmRegistration, registration, TokenPurpose.VerifyEmail);
    }

    // The owner of the mailbox gets in, even if the earlier mail was lost or somebody else has registered the address.
    async Task<(string Recipient, MailText Text)?> ResetRegistrationAsync(OutboxEntry entry, string address) =>
        await registrations.FindAsync(address, CancellationToken.None) is { } registration
            && await budget.TryTakeAsync(entry, Limit.MailsToOne, address)
                ? await WithTokenAsync(MailKind.ResetPassword, registration, TokenPurpose.ResetPassword)
                : null;

    Task<bool> IsWantedAsync(OutboxEntry entry) => db.Outbox.AnyAsync(e => e.Id == entry.Id, CancellationToken.None);

    async Task<MailText> WithTokenAsync(OutboxEntry entry, User user, TokenPurpose purpose, string address) =>
        WithToken(entry.Mail!.Value, await tokens.ReplaceAsync(user.Id, purpose, address, CancellationToken.None), purpose);

    async Task<(string Recipient, MailText Text)?> WithTokenAsync(MailKind mail, WaitingRegistration registration, TokenPurpose purpose) =>
        await registrations.MakeTokenAsync(registration, purpose, CancellationToken.None) is { } token
            ? (registration.Email, WithToken(mail, token, purpose, registration.CreatedAt))
            : null;

    MailText WithToken(MailKind mail, string token, TokenPurpose purpose, DateTime registeredAt = default) =>
        MailText.Of(mail, options.Value, token, tokens.LifetimeOf(purpose), newEmail: null, registeredAt);

    MailText Plain(MailKind mail, string? newEmail = null) => MailText.Of(mail, options.Value, token: null, default, newEmail);
}
