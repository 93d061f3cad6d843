using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Passwords;

namespace Profiles.Infrastructure.Accounts;

/// <summary>Hashes a password that has just been verified once more where more work is asked for now than then.</summary>
sealed class PasswordRenewal(ProfilesDbContext db, PasswordHasher hasher, ILogger<PasswordRenewal> log)
{
    /// <summary>
    /// Guarded by the old hash: a password that was changed meanwhile stays changed. Who logs in need not care whether it succeeds: the next login tries again.
    /// </summary>
    public async Task RenewAsync(User user, string password, CancellationToken ct)
    {
        if (!hasher.NeedsRehash(user.PasswordHash))
            return;
        try
        {
            var hash = await hasher.HashAsync(password, ct);
            if (await db.Users.Where(u => u.Id == user.Id && u.PasswordHash == user.PasswordHash)
                .ExecuteUpdateAsync(u => u.SetProperty(x => x.PasswordHash, hash), ct) == 1)
                user.PasswordHash = hash;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            log.LogWarning(e, "A password's hash could not be renewed.");
        }
    }
}
