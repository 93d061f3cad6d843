using System.Text;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Auth;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Http;

namespace Profiles.Infrastructure.Editing;

/// <summary>Changes the caller's profile under <c>If-Match</c>, and again on what is there then when another change came between.</summary>
sealed class ProfileChange(ProfilesDbContext db, CurrentUser me, ProfileTag tags, AccountEmails emails)
{
    /// <summary>Applies the change and saves it; <see cref="CurrentUser.User"/> is then what is stored, and the answer has its <c>ETag</c>. The refusal, or null when there is none.</summary>
    /// <param name="context">The exchange under way.</param>
    /// <param name="change">May be asked more than once.</param>
    /// <param name="email">The address that the caller wants; null to leave it.</param>
    /// <param name="ct">Ends the wait for the database.</param>
    public async Task<ProblemHttpResult?> SaveAsync(HttpContext context, Action<User> change, string? email, CancellationToken ct)
    {
        while (true)
        {
            if (ProfileTag.IsStale(context.Request, tags.Of(me.User)))
                return Problems.Of(ErrorCodes.ProfileChanged);
            db.Attach(me.User);
            change(me.User);
            if (Encoding.UTF8.GetByteCount(me.Profile.Metadata ?? "") > UserProfile.MetadataMaxBytes)
                return Problems.Refused("metadata", ErrorCodes.MetadataTooLarge, context);
            try
            {
                await using var turn = email is null ? null : await emails.ChangeAsync(me.User, email, ct);
                await db.SaveChangesAsync(ct);
                if (turn is not null)
                    await turn.CommitAsync(ct);
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
}
