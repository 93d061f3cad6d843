using System.Text;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Limits;

namespace Profiles.Infrastructure.Editing;

/// <summary>Changes the caller's profile under <c>If-Match</c>, and again on what is there then when another change came between.</summary>
sealed class ProfileChange(ProfilesDbContext db, CurrentUser me, ProfileTag tags, EmailChange emails, PasswordCheck check, RouteLimits limits)
{
    // The hash of the password that the caller has shown.
    string? shown;

    /// <summary>Applies the change and saves it; <see cref="CurrentUser.User"/> is then what is stored, and the answer has its <c>ETag</c>. The refusal, or null when there is none.</summary>
    /// <param name="context">The exchange under way.</param>
    /// <param name="fields">What was sent.</param>
    /// <param name="change">Takes it over, all but the address; may be asked more than once.</param>
    /// <param name="ct">Ends the wait for the database.</param>
    public async Task<ProblemHttpResult?> SaveAsync(HttpContext context, ProfileFields fields, Action<User> change, CancellationToken ct)
    {
        while (true)
        {
            if (ProfileTag.IsStale(context.Request, tags.Of(me.User)))
                return Problems.Of(ErrorCodes.ProfileChanged);
            db.Attach(me.User);
            change(me.User);
            if (Encoding.UTF8.GetByteCount(me.Profile.Metadata ?? "") > UserProfile.MetadataMaxBytes)
                return Problems.Refused("metadata", ErrorCodes.MetadataTooLarge, context);
            if (await RefusalAsync(context, fields, ct) is { } refusal)
                return refusal;
            try
            {
                await using var transaction = !fields.Email.HasValue ? null : await db.LockUserAsync(me.Id, ct);
                if (fields.Email.HasValue)
                {
                    if (await db.UserProfiles.Where(p => p.UserId == me.Id).Select(p => p.Version).SingleOrDefaultAsync(ct) != me.Profile.Version)
                        throw new DbUpdateConcurrencyException();
                    await emails.ChangeAsync(me.User, fields.Email.Value!, isPasswordShown: shown is not null, ct);
                }
                await db.SaveChangesAsync(ct);
                if (transaction is not null)
                    await transaction.CommitAsync(ct);
                context.Response.GetTypedHeaders().ETag = tags.Of(me.User);
                return null;
            }
            catch (DbUpdateConcurrencyException)
            {
                // Another change came between the read and the write: judge and apply this one on what is there now.
                db.ChangeTracker.Clear();
                if (await db.FindUserAsync(me.Id, ct) is not { } current)
                    return Problems.Of(ErrorCodes.InvalidAccessToken);
                me.User = current;
            }
            catch (DbUpdateException e) when (DatabaseFaults.IsUniqueViolation(e))
            {
                return Problems.Of(DatabaseFaults.IsUsernameTaken(e) ? ErrorCodes.UsernameTaken : ErrorCodes.EmailTaken);
            }
        }
    }

    // A token that was stolen is not enough to take the account over by another address.
    async Task<ProblemHttpResult?> RefusalAsync(HttpContext context, ProfileFields fields, CancellationToken ct)
    {
        if (!fields.Email.HasValue || shown == me.User.PasswordHash)
            return null;
        var isOther = User.Normalize(fields.Email.Value!) != me.User.NormalizedEmail;
        if (string.IsNullOrEmpty(fields.CurrentPassword))
            return isOther ? Problems.Refused("current_password", ErrorCodes.CurrentPasswordRequired, context) : null;
        if (!await check.VerifyAsync(me.User, fields.CurrentPassword, ct))
            return Problems.Of(ErrorCodes.WrongPassword, "The current password is wrong");
        // Once for the request, however often the change has to be made: whoever is logged in could have mails sent to anybody.
        if (isOther && shown is null)
            await limits.TakeAsync(Limit.Mails, FormattableString.Invariant($"user {me.Id}"), ct);
        shown = me.User.PasswordHash;
        return null;
    }
}
