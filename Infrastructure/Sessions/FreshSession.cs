using System.Globalization;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Http;

namespace Profiles.Infrastructure.Sessions;

/// <summary>
/// Asks for another login before what a stolen session must not do (RFC 9470). Refreshing a token does not count as one.
/// </summary>
sealed class FreshSession(ProfilesDbContext db, CurrentUser me, IHttpContextAccessor http, TimeProvider clock)
{
    /// <summary>How long after its login a session is fresh.</summary>
    public static readonly TimeSpan MaxAge = TimeSpan.FromMinutes(10);

    static readonly string Challenge = "Bearer error=\"insufficient_user_authentication\", "
        + string.Create(CultureInfo.InvariantCulture,
            $"error_description=\"{ErrorCodes.InsufficientUserAuthentication.Sentence}\", max_age={(int)MaxAge.TotalSeconds}");

    // A route and its use case may both ask.
    (bool HasFactor, bool IsRecent, string? Methods)? known;

    /// <summary>
    /// Refuses a session that is not fresh. Of users without a second factor only where it is needed of everybody; never a guest's, who
    /// cannot log in again.
    /// </summary>
    /// <returns>The refusal, or null.</returns>
    public async Task<ProblemHttpResult?> RefusalAsync(bool ofEverybody, CancellationToken ct)
    {
        var (hasFactor, isRecent, methods) = known ??= await ReadAsync(ct);
        if (hasFactor ? isRecent && AuthenticationMethods.AreMultiple(methods) : isRecent || !ofEverybody || me.User.GuestSince is not null)
            return null;
        http.HttpContext!.Response.Headers.WWWAuthenticate = Challenge;
        return Problems.Of(ErrorCodes.InsufficientUserAuthentication);
    }

    async Task<(bool HasFactor, bool IsRecent, string? Methods)> ReadAsync(CancellationToken ct)
    {
        var session = await db.Sessions.Where(s => s.Id == me.SessionId)
            .Select(s => new
            {
                ProvedAt = s.AuthenticatedAt ?? s.CreatedAt,
                s.Methods,
                HasFactor = db.SecondFactors.Any(f => f.UserId == s.UserId && f.ConfirmedAt != null),
            })
            .SingleOrDefaultAsync(ct);
        // One that ended meanwhile is not fresh.
        return session is null
            ? (true, false, null) : (session.HasFactor, session.ProvedAt + MaxAge >= clock.GetUtcNow().UtcDateTime, session.Methods);
    }
}
