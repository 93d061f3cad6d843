using Profiles.Data;
using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Audit;
using Profiles.Infrastructure.Commands;
using Profiles.Infrastructure.Mail;
using Profiles.Infrastructure.SecondFactors;

namespace Profiles.Features.ResetMfa;

sealed class ResetMfaCommand() : UserCommand(
    "users reset-mfa",
    "Removes a second factor whose owner has lost it with all recovery codes, and tells the owner by mail. Sessions stay.",
    "Profiles users reset-mfa john@example.com")
{
    protected override async Task<int> RunAsync(CommandRun run, User user, CancellationToken ct)
    {
        var db = run.Get<ProfilesDbContext>();
        await using var transaction = await db.LockUserAsync(user.Id, ct);
        if (!await run.Get<SecondFactorRemoval>().RemoveAsync(user, MailChange.SecondFactorReset, ct))
            return await CommandRun.FailAsync($"{NameOf(user)} has no second factor.");
        run.Get<AuditLog>().Add("user.mfa_reset", user.Id);
        await db.SaveChangesAsync(ct);
        await transaction.CommitAsync(ct);
        await run.Output.WriteLineAsync($"{NameOf(user)} has no second factor any more; the owner is told by mail.");
        return 0;
    }
}
