using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Audit;
using Profiles.Infrastructure.Images;
using Profiles.Infrastructure.Sessions;

namespace Profiles.Features.ShowUser;

/// <summary>Reads an account as its operator sees it, and records whose was read.</summary>
sealed class ShowUserReader(
    ProfilesDbContext db, ImageAddress address, IOptions<SessionsOptions> options, AuditLog audit, TimeProvider clock)
{
    public async Task<ShowUserResponse> ReadAsync(User user, CancellationToken ct)
    {
        var expired = clock.GetUtcNow().UtcDateTime - options.Value.RefreshLifetime;
        var sessions = await db.Sessions.Where(s => s.UserId == user.Id && s.LastUsedAt > expired)
            .Select(s => s.LastUsedAt).ToListAsync(ct);
        var identities = await db.Identities.Where(i => i.UserId == user.Id).OrderBy(i => i.Id).Select(i => i.Provider).ToListAsync(ct);
        var passkeys = await db.Passkeys.CountAsync(p => p.UserId == user.Id, ct);
        var hasSecondFactor = await db.SecondFactors.CountAsync(f => f.UserId == user.Id && f.ConfirmedAt != null, ct) == 1;
        audit.Add("user.shown", user.Id);
        await db.SaveChangesAsync(ct);
        return ShowUserMapper.ToResponse(user, address.Of(user.Profile.Image), (identities, passkeys, hasSecondFactor), sessions);
    }
}
