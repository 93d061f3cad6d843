using Microsoft.AspNetCore.Http.HttpResults;
using Profiles.Data;
using Profiles.Infrastructure.Authentication;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Http;

namespace Profiles.Infrastructure.Accounts;

/// <summary>
/// Finds the guest's account that a way in is given to, which keeps its id (`from_guest`): an anonymous route returns what
/// <see cref="RefuseAsync"/> refuses, begins its transaction, and changes what <see cref="TakeAsync"/> returns in place of a new user.
/// </summary>
sealed class GuestUpgrade(ProfilesDbContext db, AccessPolicy access, CurrentUser me)
{
    /// <summary>Identifies the caller by the access token; 401 without a valid one, 409 when the account is no guest's.</summary>
    public async Task<ProblemHttpResult?> RefuseAsync(HttpContext context)
    {
        if (await access.IdentifyAsync(context) is { } challenge)
        {
            context.Response.Headers.WWWAuthenticate = challenge;
            return Problems.Of(ErrorCodes.InvalidAccessToken);
        }
        return me.User.GuestSince is null ? Problems.Of(ErrorCodes.NotAGuest) : null;
    }

    /// <summary>
    /// Locks the caller's row in the caller's transaction and returns the account, tracked; null, answered 409, when another request has
    /// made it a full one meanwhile. The caller clears <see cref="User.GuestSince"/> with the first way in, and saves.
    /// </summary>
    /// <exception cref="UserDeletedException">The account was deleted or disabled meanwhile.</exception>
    public async Task<User?> TakeAsync(CancellationToken ct)
    {
        await db.LockRowAsync(me.Id, ct);
        var user = await db.TrackUserAsync(me.Id, ct) ?? throw new UserDeletedException();
        return user.GuestSince is null ? null : user;
    }
}
