using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Mail;
using Profiles.Infrastructure.SecurityEvents;

namespace Profiles.Infrastructure.SecondFactors;

/// <summary>Removes a second factor with its recovery codes, and tells the owner.</summary>
sealed class SecondFactorRemoval(ProfilesDbContext db, SecurityEventLog events, MailOutbox mails)
{
    /// <summary>Removes a user's second factor in the caller's transaction. The caller saves.</summary>
    /// <returns>False when there is none.</returns>
    public async Task<bool> RemoveAsync(User user, MailChange change, CancellationToken ct)
    {
        if (await db.SecondFactors.Where(f => f.UserId == user.Id && f.ConfirmedAt != null).ExecuteDeleteAsync(ct) == 0)
            return false;
        await db.RecoveryCodes.Where(c => c.UserId == user.Id).ExecuteDeleteAsync(ct);
        events.Add(user.Id, SecurityEventKind.SecondFactorDisabled);
        mails.Add(MailKind.SecondFactorChanged, user.Email, user.Id, change);
        return true;
    }
}
