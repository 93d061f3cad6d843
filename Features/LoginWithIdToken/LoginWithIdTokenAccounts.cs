using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Identities;
using Profiles.Infrastructure.Mail;

namespace Profiles.Features.LoginWithIdToken;

/// <summary>Finds or makes the account of an identity, in the caller's transaction.</summary>
sealed class LoginWithIdTokenAccounts(ProfilesDbContext db, IdentityLinks links, Mailboxes mailboxes)
{
    /// <summary>Whether the account is new.</summary>
    public bool HasRegistered { get; private set; }

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
        if (email is null || await db.Users.AsNoTracking().SingleOrDefaultAsync(u => u.NormalizedEmail == email, ct) is not { } owner)
            return await links.AddAsync(await RegisterAsync(req, claims, ct), claims, req.Device, ct);
        // Locks the row. A stranger may have registered an address that is not verified, to wait here for its owner.
        if (claims.Proof != EmailProof.Owned
            || await db.Users.Where(u => u.Id == owner.Id && u.NormalizedEmail == email && u.EmailVerifiedAt != null)
                .ExecuteUpdateAsync(u => u.SetProperty(x => x.EmailVerifiedAt, x => x.EmailVerifiedAt), ct) == 0)
            return null;
        links.TellOwner(owner.Id, owner.Email, MailChange.IdentityAdded, claims.Provider);
        return await links.AddAsync(owner.Id, claims, req.Device, ct);
    }

    // Whoever can make up an address elsewhere must not get it here, to wait for its owner.
    async Task<long> RegisterAsync(LoginWithIdTokenRequest req, IdentityClaims claims, CancellationToken ct)
    {
        HasRegistered = true;
        return (await mailboxes.CreateAsync(claims.Proof >= EmailProof.Verified ? claims.Email : null, req.Name ?? claims.Name, ct)).Id;
    }
}
