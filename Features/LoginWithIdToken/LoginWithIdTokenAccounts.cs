using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Identities;
using Profiles.Infrastructure.Mail;

namespace Profiles.Features.LoginWithIdToken;

/// <summary>Finds or makes the account of an identity, in the caller's transaction.</summary>
sealed class LoginWithIdTokenAccounts(
    ProfilesDbContext db, IdentityLinks links, Mailboxes mailboxes, GuestUpgrade guests, IOptions<AccountOptions> options)
{
    /// <summary>Whether the account is new.</summary>
    public bool HasRegistered { get; private set; }

    /// <summary>The identity, linked by now, or why it cannot be.</summary>
    /// <exception cref="DbUpdateException">Another request has just made what was not there.</exception>
    public async Task<(Identity? Identity, ErrorCode Refusal)> FindAsync(
        LoginWithIdTokenRequest req, IdentityClaims claims, CancellationToken ct) =>
        req.FromGuest is true ? await UpgradeAsync(req, claims, ct) : (await FindOrAddAsync(req, claims, ct), ErrorCodes.AccountExists);

    // It is the guest's alone: neither that of another account nor one whose address has another account.
    async Task<(Identity?, ErrorCode)> UpgradeAsync(LoginWithIdTokenRequest req, IdentityClaims claims, CancellationToken ct)
    {
        if (await guests.TakeAsync(ct) is not { } guest)
            return (null, ErrorCodes.NotAGuest);
        if (await db.Identities.CountAsync(i => i.Provider == claims.Provider && i.Subject == claims.Subject, ct) > 0)
            return (null, ErrorCodes.IdentityTaken);
        var email = ComparedOf(claims);
        if (email is not null && await db.Users.CountAsync(u => u.NormalizedEmail == email && u.Id != guest.Id, ct) > 0)
            return (null, ErrorCodes.AccountExists);
        HasRegistered = true;
        await mailboxes.UpgradeAsync(guest, ProvedBy(claims), req.Name ?? claims.Name, ct);
        return (await links.AddAsync(guest.Id, claims, req.Device, ct), ErrorCodes.AccountExists);
    }

    // It was linked before, or its address has an account that both sides have verified, or it gets a new account. Null when its address
    // has an account that it must be linked to by a person who is logged in.
    async Task<Identity?> FindOrAddAsync(LoginWithIdTokenRequest req, IdentityClaims claims, CancellationToken ct)
    {
        if (await db.Identities.AsNoTracking().SingleOrDefaultAsync(
            i => i.Provider == claims.Provider && i.Subject == claims.Subject, ct) is { } known)
            return known;
        var email = ComparedOf(claims);
        if (email is null || await db.Users.AsNoTracking().SingleOrDefaultAsync(u => u.NormalizedEmail == email, ct) is not { } owner)
            return await links.AddAsync(await RegisterAsync(req, claims, ct), claims, req.Device, ct);
        // Locks the row. A stranger may have registered an address that is not verified, to wait here for its owner.
        if (claims.Proof != EmailProof.Owned
            || !await ProfilesDbContext.TryLockAsync(
                db.Users.Where(u => u.Id == owner.Id && u.NormalizedEmail == email && u.EmailVerifiedAt != null), ct))
            return null;
        links.TellOwner(owner.Id, owner.Email, MailChange.IdentityAdded, claims.Provider);
        return await links.AddAsync(owner.Id, claims, req.Device, ct);
    }

    async Task<long> RegisterAsync(LoginWithIdTokenRequest req, IdentityClaims claims, CancellationToken ct)
    {
        HasRegistered = true;
        return (await mailboxes.CreateAsync(ProvedBy(claims), req.Name ?? claims.Name, ct)).Id;
    }

    // The address in the form that is compared. One that the provider has not verified says nothing, not even whether it has an account
    // here; nor does one that somebody may have made up elsewhere, where no answer tells which addresses have one.
    string? ComparedOf(IdentityClaims claims) =>
        claims.Proof >= (options.Value.RequireVerifiedEmail ? EmailProof.Verified : EmailProof.Claimed)
            ? Data.User.Normalize(claims.Email!) : null;

    // Whoever can make up an address elsewhere must not get it here, to wait for its owner.
    static string? ProvedBy(IdentityClaims claims) => claims.Proof >= EmailProof.Verified ? claims.Email : null;
}
