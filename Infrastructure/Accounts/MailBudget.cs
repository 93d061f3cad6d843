using Profiles.Data;
using Profiles.Infrastructure.Limits;

namespace Profiles.Infrastructure.Accounts;

/// <summary>Limits the mails to one address in an hour.</summary>
sealed class MailBudget(RouteLimits limits, ILogger<MailBudget> log)
{
    /// <summary>Returns whether a mail may be sent. Retries of the same mail do not count.</summary>
    public async Task<bool> TryTakeAsync(OutboxEntry entry, Limit limit, string address)
    {
        if (entry.Attempts > 0 || await limits.TryTakeAsync(limit, address, CancellationToken.None))
            return true;
        log.LogInformation(
            "Mail {Kind} of entry {Entry} is dropped: its address has reached the limit {Limit} in this hour.",
            entry.Mail, entry.Id, limit);
        return false;
    }
}
