using Profiles.Data;
using Profiles.Infrastructure.Limits;

namespace Profiles.Infrastructure.Accounts;

/// <summary>Bounds the mails that one address gets in an hour.</summary>
sealed class MailBudget(RouteLimits limits, ILogger<MailBudget> log)
{
    /// <summary>Whether a mail may be sent. It counts once, however often it has to be sent.</summary>
    public async Task<bool> TryTakeAsync(OutboxEntry entry, Limit limit, string address)
    {
        if (entry.Attempts > 0 || await limits.TryTakeAsync(limit, address, CancellationToken.None))
            return true;
        log.LogInformation("Mail {Kind} of entry {Entry} is dropped: its address has had {Limit} in this hour.", entry.Mail, entry.Id, limit);
        return false;
    }
}
