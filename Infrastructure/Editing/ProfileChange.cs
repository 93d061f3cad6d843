using System.Text;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Limits;

namespace Profiles.Infrastructure.Editing;

/// <summary>Changes the caller's profile under <c>If-Match</c>; retries on the new state when another change came between.</summary>
sealed class ProfileChange(
    ProfilesDbContext db, CurrentUser me, ProfileTag tags, EmailChange emails, OwnerCheck owner, RouteLimits limits)
{
    // The hash that the request's current_password was verified against; empty where there is no password.
    string? verifiedHash;

    /// <summary>
    /// Applies the change and saves it; updates <see cref="CurrentUser.User"/> and sets the answer's <c>ETag</c>. Returns the refusal, or
    /// null.
    /// </summary>
    /// <param name="context">The request's context.</param>
    /// <param name="fields">The fields of the request.</param>
    /// <param name="change">Applies all fields but the address; called again on a retry.</param>
    /// <param name="ct">Cancels the change.</param>
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
            if (await RefusalAsync(fields, ct) is { } refusal)
                return refusal;
            try
            {
                await using var transaction = !fields.Email.HasValue ? null : await db.LockUserAsync(me.Id, ct);
                if (fields.Email.HasValue)
                {
                    var version = await db.UserProfiles.Where(p => p.UserId == me.Id).Select(p => p.Version).SingleOrDefaultAsync(ct);
                    if (version != me.Profile.Version)
                        throw new DbUpdateConcurrencyException();
                    if (!await db.HasSessionAsync(me.Id, me.SessionId, ct))
                        return Problems.Of(ErrorCodes.InvalidAccessToken);
                    await emails.ChangeAsync(me.User, fields.Email.Value!, isPasswordVerified: verifiedHash is not null, ct);
                }
                await db.SaveChangesAsync(ct);
                if (transaction is not null)
                    await transaction.CommitAsync(ct);
                context.Response.GetTypedHeaders().ETag = tags.Of(me.User);
                return null;
            }
            catch (DbUpdateConcurrencyException)
            {
                // Another change came between the read and the write: checks and applies this one again on the new state.
                db.ChangeTracker.Clear();
                if (await db.FindUserAsync(me.Id, ct) is not { DisabledAt: null } current)
                    return Problems.Of(ErrorCodes.InvalidAccessToken);
                me.User = current;
            }
            catch (DbUpdateException e) when (DatabaseErrors.IsUniqueViolation(e))
            {
                return Problems.Of(DatabaseErrors.IsUsernameTaken(e) ? ErrorCodes.UsernameTaken : ErrorCodes.EmailTaken);
            }
        }
    }

    // A stolen token is not enough to take the account over with another address.
    async Task<ProblemHttpResult?> RefusalAsync(ProfileFields fields, CancellationToken ct)
    {
        if (!fields.Email.HasValue || verifiedHash == me.User.PasswordHash)
            return null;
        var isOther = User.Normalize(fields.Email.Value!) != me.User.NormalizedEmail;
        if (!isOther && string.IsNullOrEmpty(fields.CurrentPassword))
            return null;
        if (await owner.RefusalAsync(fields.CurrentPassword, OwnPassword.CurrentPassword, ct) is { } refusal)
            return refusal;
        // Limited, because a user could have mails sent to anybody; counts once for all retries of the request.
        if (isOther && verifiedHash is null)
            await limits.TakeAsync(Limit.Mails, FormattableString.Invariant($"user {me.Id}"), ct);
        verifiedHash = me.User.PasswordHash;
        return null;
    }
}
