using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Identities;
using Profiles.Infrastructure.SecurityEvents;
using Profiles.Infrastructure.Webhooks;

namespace Profiles.Features.LoginWithIdToken;

/// <summary>Finds or makes the account of an identity, in the caller's transaction.</summary>
sealed class LoginWithIdTokenAccounts(
    ProfilesDbContext db, IdentityLinks links, SecurityEventLog events, WebhookEvents webhooks, TimeProvider clock)
{
    /// <summary>
    /// The identity, linked by now: it was before, or its address has an account that both sides have verified, or it gets a new account.
    /// Null when its address has an account that it must be linked to by a person who is logged in.
    /// </summary>
    /// <exception cref="DbUpdateException">Another request has just made what was not there.</exception>
    public async Task<Identity?> FindOrAddAsync(LoginWithIdTokenRequest req, IdentityClaims claims, CancellationToken ct)
    {
        if (await db.Identities.AsNoTracking().SingleOrDefaultAsync(
            i => i.Provider == claims.Provider && i.Subject == claims.Subject, ct) is { } known)
            return known;
        // An address that the provider has not verified says nothing, not even whether it has an account here.
        var email = claims.Proof == EmailProof.None ? null : Data.User.Normalize(claims.Email!);
        if (email is null || await db.Users.Where(u => u.NormalizedEmail == email).Select(u => (long?)u.Id).SingleOrDefaultAsync(ct)
            is not { } owner)
            return await links.AddAsync(await RegisterAsync(req, claims, ct), claims, req.Device, ct);
        // Locks the row. A stranger may have registered an address that is not verified, to wait here for its owner.
        return claims.Proof == EmailProof.Owned
            && await db.Users.Where(u => u.Id == owner && u.NormalizedEmail == email && u.EmailVerifiedAt != null)
                .ExecuteUpdateAsync(u => u.SetProperty(x => x.EmailVerifiedAt, x => x.EmailVerifiedAt), ct) == 1
            ? await links.AddAsync(owner, claims, req.Device, ct) : null;
    }

    async Task<long> RegisterAsync(LoginWithIdTokenRequest req, IdentityClaims claims, CancellationToken ct)
    {
        // Whoever can make up an address elsewhere must not get it here, to wait for its owner.
        var email = claims.Proof >= EmailProof.Verified ? claims.Email : null;
        var user = new Data.User
        {
            Email = email,
            NormalizedEmail = email is null ? null : Data.User.Normalize(email),
            EmailVerifiedAt = email is null ? null : clock.GetUtcNow().UtcDateTime,
            Profile = new() { Name = req.Name?.Trim() ?? claims.Name },
        };
        db.Users.Add(user);
        events.AddWithoutLog(user, SecurityEventKind.Registered);
        await webhooks.SaveNewUsersAsync(db, ct);
        events.WriteToLog(user.Id, SecurityEventKind.Registered);
        return user.Id;
    }
}
