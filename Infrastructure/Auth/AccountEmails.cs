using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Limits;
using Profiles.Infrastructure.Mail;

namespace Profiles.Infrastructure.Auth;

/// <summary>What becomes of an account's address: how it is changed and shown to be the person's (docs/adr/0008-e-mail-verification.md).</summary>
sealed class AccountEmails(ProfilesDbContext db, OneTimeTokens tokens, SecurityEventLog events, MailOutbox mails, RouteLimits limits, Sessions sessions, CurrentUser me, IOptions<AccountOptions> options,
    TimeProvider clock)
{
    bool isCounted;

    /// <summary>
    /// Asks a user who is about to be saved for the first time to show that the address is theirs. Throws <see cref="Errors.TooManyException"/> where a taken address
    /// gets a mail too: counted before it is known which it is.
    /// </summary>
    public async Task WelcomeAsync(User user, CancellationToken ct)
    {
        if (options.Value.RequireVerifiedEmail)
            await limits.TakeAsync(Limit.MailsToOne, user.NormalizedEmail, ct);
        mails.Add(MailKind.VerifyEmail, user.Email);
        events.AddFirst(user, SecurityEventKind.Registered);
    }

    /// <summary>Tells the owner of an address that somebody tried to register with it.</summary>
    public async Task TellOwnerAsync(string email, CancellationToken ct)
    {
        db.ChangeTracker.Clear();
        mails.Add(MailKind.AlreadyRegistered, email);
        await db.SaveChangesAsync(ct);
    }

    /// <summary>Takes another address for a tracked user: at once, or where addresses must be verified, when it has been. Adds the mails and the event to what is saved, and answers the transaction to save it in.</summary>
    /// <remarks>Throws <see cref="Errors.TooManyException"/>: whoever is logged in could have mails sent to anybody.</remarks>
    public async Task<IDbContextTransaction> ChangeAsync(User user, string email, CancellationToken ct)
    {
        var isOther = User.Normalize(email) != user.NormalizedEmail;
        // Once for the request, however often the change has to be made.
        if (isOther && !isCounted)
        {
            await limits.TakeAsync(Limit.Mails, FormattableString.Invariant($"user {user.Id}"), ct);
            await limits.TakeAsync(Limit.MailsToOne, User.Normalize(email), ct);
            isCounted = true;
        }
        var turn = await db.TakeTurnAsync(user.Id, ct);
        if (isOther)
            await ChangeToOtherAsync(user, email, ct);
        else
            user.Email = email.Trim();
        return turn;
    }

    async Task ChangeToOtherAsync(User user, string email, CancellationToken ct)
    {
        var old = user.Email;
        if (options.Value.RequireVerifiedEmail)
        {
            user.PendingEmail = email.Trim();
            mails.Add(MailKind.VerifyNewEmail, user.PendingEmail, user.Id);
        }
        else
        {
            user.ChangeEmail(email);
            (user.EmailVerifiedAt, user.PendingEmail) = (null, null);
            mails.Add(MailKind.VerifyEmail, user.Email, user.Id);
            // Whoever else is logged in was so under the other address.
            await sessions.RemoveOthersAsync(user.Id, me.SessionId, ct);
        }
        mails.Add(MailKind.EmailChangeRequested, old, user.Id);
        events.Add(user.Id, options.Value.RequireVerifiedEmail ? SecurityEventKind.EmailChangeRequested : SecurityEventKind.EmailChanged);
    }

    /// <summary>Asks the user again to show that an address is theirs, if there is one to show; to be saved. Throws <see cref="Errors.TooManyException"/>.</summary>
    public async Task AskAgainAsync(User user, CancellationToken ct)
    {
        await limits.TakeAsync(Limit.MailsToOne, User.Normalize(user.PendingEmail ?? user.Email), ct);
        if (user.PendingEmail is { } pending)
            mails.Add(MailKind.VerifyNewEmail, pending, user.Id);
        else if (user.EmailVerifiedAt is null)
            mails.Add(MailKind.VerifyEmail, user.Email, user.Id);
    }

    /// <summary>
    /// Takes the address that the token came to as the user's own. False when the token is not good, or its address is not asked for any more, or another has
    /// it now: nothing has changed then.
    /// </summary>
    public async Task<bool> VerifyAsync(string token, CancellationToken ct)
    {
        if (await tokens.FindAsync(token, TokenPurpose.VerifyEmail, ct) is not { } row)
            return false;
        try
        {
            await using var transaction = await db.TakeTurnAsync(row.UserId, ct);
            if (!await tokens.TryUseAsync(row, ct) || await db.Users.Include(u => u.Profile).SingleOrDefaultAsync(u => u.Id == row.UserId, ct) is not { } user)
                return false;
            if (user.NormalizedEmail == row.NormalizedEmail)
            {
                events.Add(user.Id, SecurityEventKind.EmailVerified);
            }
            else if (user.PendingEmail is { } pending && User.Normalize(pending) == row.NormalizedEmail)
            {
                user.ChangeEmail(pending);
                user.PendingEmail = null;
                events.Add(user.Id, SecurityEventKind.EmailChanged);
            }
            else
            {
                return false;
            }
            user.EmailVerifiedAt = clock.GetUtcNow().UtcDateTime;
            await db.SaveChangesAsync(ct);
            await transaction.CommitAsync(ct);
            return true;
        }
        catch (DbUpdateException e) when (DatabaseFaults.IsUniqueViolation(e) || e is DbUpdateConcurrencyException)
        {
            return false;
        }
    }
}
