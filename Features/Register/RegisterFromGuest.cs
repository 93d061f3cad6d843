using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Accounts;

namespace Profiles.Features.Register;

/// <summary>Gives a guest's account the address and the password of a registration; it keeps its id, its profile and its session.</summary>
sealed class RegisterFromGuest(ProfilesDbContext db, GuestUpgrade guests, EmailChange emails, IOptions<AccountOptions> accounts)
{
    /// <summary>Saves all of it; where addresses must be verified, the account stays a guest's until this one is.</summary>
    /// <returns>The account; null when it is no guest's any more.</returns>
    public async Task<User?> UpgradeAsync(Action<User> name, string email, string hash, byte[]? asked, CancellationToken ct)
    {
        await using var transaction = await db.Database.BeginTransactionAsync(ct);
        if (await guests.TakeAsync(ct) is not { } user)
            return null;
        name(user);
        user.PasswordHash = hash;
        await emails.ChangeAsync(user, email, isPasswordVerified: true, ct, asked);
        if (!accounts.Value.RequireVerifiedEmail)
            user.GuestSince = null;
        await db.SaveChangesAsync(ct);
        await transaction.CommitAsync(ct);
        return user;
    }
}
