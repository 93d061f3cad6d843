using System.Buffers.Text;
using System.Linq.Expressions;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.SecurityEvents;
using Profiles.Infrastructure.Tokens;

namespace Profiles.Infrastructure.Sessions;

/// <summary>What the first factor has led to: a session with its refresh token, or a question for the second factor.</summary>
sealed record SessionStarted(Session? Session, RefreshToken? Refresh, string? SecondFactorToken);

/// <summary>The login that waits for a second factor: <see cref="Challenge.Data"/> of its challenge.</summary>
sealed record WaitingLogin(string Methods, string? Device);

/// <summary>
/// Starts the session of a person who has proved who they are, by whichever way: every login ends here. Where the user has a second factor
/// and the proof was of one factor only, asks for the other instead.
/// </summary>
sealed class SessionStart(
    ProfilesDbContext db, SessionTokens tokens, SessionRevocation sessions, Challenges challenges, SecurityEventLog events,
    TimeProvider clock)
{
    /// <summary>Starts a session in the caller's transaction, and saves.</summary>
    /// <param name="userId">The user.</param>
    /// <param name="methods">The proof: <see cref="AuthenticationMethods"/>.</param>
    /// <param name="device">The device's name, as the app sent it.</param>
    /// <param name="isStillTrue">What the proof rests on, such as the hash of the password.</param>
    /// <param name="ct">Cancels it.</param>
    /// <returns>Null when that has changed meanwhile, or the account was disabled or deleted.</returns>
    public async Task<SessionStarted?> StartAsync(
        long userId, string methods, string? device, Expression<Func<User, bool>> isStillTrue, CancellationToken ct)
    {
        // Locks the row: either a change of it commits first and refuses this login, or it comes later and ends its session.
        var account = db.Users.Where(u => u.Id == userId && u.DisabledAt == null).Where(isStillTrue);
        if (!await ProfilesDbContext.TryLockAsync(account, ct))
            return null;
        var trimmed = device?.Trim();
        if (!AuthenticationMethods.AreMultiple(methods)
            && await db.SecondFactors.CountAsync(f => f.UserId == userId && f.ConfirmedAt != null, ct) == 1)
            return await AskAsync(userId, new(methods, trimmed), ct);
        var (refresh, now) = (RefreshToken.New(), clock.GetUtcNow().UtcDateTime);
        var session = new Session
        {
            UserId = userId,
            Device = trimmed,
            FamilyHash = refresh.FamilyHash,
            TokenHash = refresh.SecretHash,
            CreatedAt = now,
            AuthenticatedAt = now,
            Methods = methods,
            LastUsedAt = now,
        };
        db.Sessions.Add(session);
        events.Add(userId, SecurityEventKind.LoggedIn, session.Device);
        await db.SaveChangesAsync(ct);
        await sessions.RevokeSurplusAsync(userId, ct);
        return new(session, refresh, SecondFactorToken: null);
    }

    /// <summary>The login's answer, after the commit: the tokens, or 403 with the token that the second factor is sent with.</summary>
    public Results<Ok<T>, ProblemHttpResult> Answer<T>(SessionStarted started, Func<TokenPair, T> answer) =>
        started.SecondFactorToken is { } token
            ? Problems.Of(ErrorCodes.MfaRequired, members: new Dictionary<string, object?>
            {
                ["mfa_token"] = token,
                ["expires_in"] = (int)Challenge.Lifetime.TotalSeconds,
            })
            : TypedResults.Ok(answer(tokens.Issue(started.Session!, started.Refresh!)));

    async Task<SessionStarted> AskAsync(long userId, WaitingLogin login, CancellationToken ct)
    {
        var secret = RandomNumberGenerator.GetBytes(Challenges.SecretBytes);
        challenges.Add(ChallengeKind.SecondFactor, secret, JsonSerializer.Serialize(login), userId);
        await db.SaveChangesAsync(ct);
        return new(Session: null, Refresh: null, Base64Url.EncodeToString(secret));
    }
}
