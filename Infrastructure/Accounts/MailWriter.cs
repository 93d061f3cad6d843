using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Limits;
using Profiles.Infrastructure.Mail;
using Profiles.Infrastructure.SecurityEvents;

namespace Profiles.Infrastructure.Accounts;

/// <summary>
/// Writes a mail of the outbox when it is sent, so that neither its token nor its text is stored. A retry writes a new token, and the
/// previous one becomes invalid; digits, and a token that they stand for, stay the same.
/// </summary>
sealed class MailWriter(
    ProfilesDbContext db, OneTimeTokens tokens, WaitingRegistrations registrations, MailCodes codes, MailBudget budget,
    SecurityEventLog events)
    : IMailWriter
{
    /// <summary>
    /// Returns the recipient and the content; null when the mail is void by now, its address has reached its limit or has no account.
    /// </summary>
    public async Task<(string Recipient, MailContent Content)?> WriteAsync(OutboxEntry entry)
    {
        var address = User.Normalize(entry.Key);
        if (entry.Mail == MailKind.ConfirmRegistration)
            return await ConfirmRegistrationAsync(entry, address);
        if (entry.Mail == MailKind.LoginCode)
            return await LoginCodeAsync(entry, address);
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

    async Task<(string Recipient, MailContent Content)?> WriteAsync(OutboxEntry entry, User user, string address)
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
                    ? await AlreadyRegisteredAsync(entry, owner)
                    : (pending, await WithTokenAsync(entry, user, TokenPurpose.VerifyEmail, address));
            case MailKind.ResetPassword when user.NormalizedEmail == address:
                if (!await budget.TryTakeAsync(entry, Limit.MailsToOne, address))
                    return null;
                if (entry.Attempts == 0)
                    events.Add(user.Id, SecurityEventKind.PasswordResetRequested, device: null, entry.Network);
                return (user.Email!, await WithTokenAsync(entry, user, TokenPurpose.ResetPassword, address));
            case MailKind.AlreadyRegistered when user.NormalizedEmail == address:
                return await budget.TryTakeAsync(entry, Limit.MailsOfStrangers, address)
                    ? (user.Email!, MailContent.Of(entry, user.Profile.Locale))
                    : null;
            case MailKind.EmailChangeRequested or MailKind.EmailChanged:
                return (entry.Key, MailContent.Of(entry, user.Profile.Locale) with
                {
                    NewEmail = user.PendingEmail ?? (user.NormalizedEmail == address ? null : user.Email),
                });
            case MailKind.PasswordChanged or MailKind.SecondFactorChanged or MailKind.WayInChanged:
                return (entry.Key, MailContent.Of(entry, user.Profile.Locale));
            default:
                return null;
        }
    }

    async Task<(string Recipient, MailContent Content)?> ConfirmRegistrationAsync(OutboxEntry entry, string address)
    {
        if (!await IsWantedAsync(entry) || await registrations.FindAsync(address, CancellationToken.None) is not { } registration
            || !await budget.TryTakeAsync(entry, Limit.MailsOfStrangers, address))
            return null;
        if (await db.FindUserAsync(address, CancellationToken.None) is { } owner)
            return await AlreadyRegisteredAsync(entry, owner);
        return await WithTokenAsync(entry, registration, TokenPurpose.VerifyEmail);
    }

    // The owner of the mailbox gets in, even if the earlier mail was lost or somebody else has registered the address.
    async Task<(string Recipient, MailContent Content)?> ResetRegistrationAsync(OutboxEntry entry, string address) =>
        await registrations.FindAsync(address, CancellationToken.None) is { } registration
            && await budget.TryTakeAsync(entry, Limit.MailsToOne, address)
                ? await WithTokenAsync(entry, registration, TokenPurpose.ResetPassword)
                : null;

    // To everybody: at an address without an account the code makes one. A disabled account is told so, once the code is right.
    async Task<(string Recipient, MailContent Content)?> LoginCodeAsync(OutboxEntry entry, string address)
    {
        var request = MailContent.RequestOf(entry);
        // The digits come last: a code that has some counts as mailed.
        if (!await codes.AreWantedAsync(request) || !await budget.TryTakeAsync(entry, Limit.MailsToOne, $"code {address}")
            || await codes.WriteAsync(request) is not { } code)
            return null;
        var owner = await db.Users.AsNoTracking().Include(u => u.Profile)
            .SingleOrDefaultAsync(u => u.NormalizedEmail == address, CancellationToken.None);
        return (owner?.Email ?? address, MailContent.Of(entry, owner?.Profile.Locale) with
        {
            Code = code.Digits,
            CodeLifetime = code.Lifetime,
        });
    }

    Task<bool> IsWantedAsync(OutboxEntry entry) => db.Outbox.AnyAsync(e => e.Id == entry.Id, CancellationToken.None);

    async Task<(string Recipient, MailContent Content)?> AlreadyRegisteredAsync(OutboxEntry entry, User owner)
    {
        var locale = await db.UserProfiles.Where(p => p.UserId == owner.Id).Select(p => p.Locale)
            .SingleOrDefaultAsync(CancellationToken.None);
        return (owner.Email!, MailContent.Of(entry, locale) with { Kind = MailKind.AlreadyRegistered });
    }

    async Task<MailContent> WithTokenAsync(OutboxEntry entry, User user, TokenPurpose purpose, string address)
    {
        var content = await WithTokenAsync(entry, user.Profile.Locale, purpose);
        await tokens.ReplaceAsync(user.Id, purpose, address, content.Token!, CancellationToken.None);
        return content;
    }

    async Task<(string Recipient, MailContent Content)?> WithTokenAsync(
        OutboxEntry entry, WaitingRegistration registration, TokenPurpose purpose)
    {
        var content = await WithTokenAsync(entry, locale: null, purpose);
        return await registrations.TryGiveTokenAsync(registration, purpose, content.Token!, CancellationToken.None)
            ? (registration.Email, content with { RegisteredAt = registration.CreatedAt })
            : null;
    }

    async Task<MailContent> WithTokenAsync(OutboxEntry entry, string? locale, TokenPurpose purpose)
    {
        var code = await codes.WriteAsync(MailContent.RequestOf(entry));
        return MailContent.Of(entry, locale) with
        {
            Token = code?.Token ?? OneTimeTokens.Make().Token,
            TokenLifetime = tokens.LifetimeOf(purpose),
            Code = code?.Digits,
            CodeLifetime = code?.Lifetime ?? TimeSpan.Zero,
        };
    }
}
