using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Outbox;

namespace Profiles.Infrastructure.Identities;

/// <summary>Exchanges and revokes at Apple what the outbox has for it.</summary>
sealed class AppleHandler(ProfilesDbContext db, AppleClient apple, AppleOutbox outbox, TimeProvider clock, ILogger<AppleHandler> log)
    : IOutboxHandler
{
    /// <summary>How long after each failed attempt comes the next; the first ones within the life of a code.</summary>
    public static readonly IReadOnlyList<TimeSpan> Retries =
    [
        TimeSpan.FromSeconds(15), TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(2), TimeSpan.FromMinutes(30),
        TimeSpan.FromHours(2), TimeSpan.FromHours(6), TimeSpan.FromHours(24),
    ];

    /// <summary>How long Apple takes a code.</summary>
    public static readonly TimeSpan CodeLifetime = TimeSpan.FromMinutes(5);

    /// <summary>How long a revocation is tried.</summary>
    public static readonly TimeSpan GivenUpAfter = TimeSpan.FromDays(30);

    public async Task HandleAsync(OutboxEntry entry, CancellationToken stopping)
    {
        if (clock.GetUtcNow().UtcDateTime - entry.CreatedAt > (entry.Key == AppleOutbox.Exchange ? CodeLifetime : GivenUpAfter))
        {
            log.LogError(
                "Apple's {Work} for user {UserId} is given up after {Attempts} attempts.", entry.Key, entry.UserId, entry.Attempts);
            await DeleteAsync(entry);
            return;
        }
        var work = outbox.Open(entry.Payload!);
        if (work.IdentityId is { } identity)
        {
            await ExchangeAsync(entry, work, identity, stopping);
        }
        else
        {
            await apple.RevokeAsync(work.ClientId, work.Token, stopping);
            await DeleteAsync(entry);
        }
    }

    async Task ExchangeAsync(OutboxEntry entry, AppleWork work, long identity, CancellationToken stopping)
    {
        var grant = await apple.ExchangeAsync(work.ClientId, work.Token, stopping);
        if (grant?.Subject != work.Subject)
        {
            log.LogWarning(
                "Apple did not take the code of user {UserId}, or for somebody else: the deletion will revoke nothing.", entry.UserId);
            await DeleteAsync(entry);
            return;
        }
        // Either the identity has the token before it is deleted, or the entry revokes it.
        var stored = outbox.Seal(new(work.ClientId, grant!.RefreshToken));
        await using var transaction = await db.LockUserAsync(entry.UserId, CancellationToken.None);
        if (await db.Identities.Where(i => i.Id == identity)
            .ExecuteUpdateAsync(i => i.SetProperty(x => x.RefreshToken, stored), CancellationToken.None) == 1)
            await DeleteAsync(entry);
        else
            await db.Outbox.Where(e => e.Id == entry.Id).ExecuteUpdateAsync(
                e => e.SetProperty(x => x.Key, AppleOutbox.Revocation).SetProperty(x => x.Payload, stored)
                    .SetProperty(x => x.DueAt, clock.GetUtcNow().UtcDateTime),
                CancellationToken.None);
        await transaction.CommitAsync(CancellationToken.None);
    }

    Task<int> DeleteAsync(OutboxEntry entry) => db.Outbox.Where(e => e.Id == entry.Id).ExecuteDeleteAsync(CancellationToken.None);
}
