using Profiles.Data;
using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Commands;

namespace Profiles.Features.EndUserSessions;

sealed class EndUserSessionsCommand() : UserCommand(
    "users end-sessions", "Logs a user out on every device; the user can log in again.", "Profiles users end-sessions john@example.com")
{
    protected override async Task<int> RunAsync(CommandRun run, User user, CancellationToken ct)
    {
        if (await run.Get<AccountControl>().EndSessionsAsync(user.Id, ct) is not { } ended)
            return await CommandRun.FailAsync(Missing);
        await run.Output.WriteLineAsync(FormattableString.Invariant($"{NameOf(user)} is logged out; sessions ended: {ended}."));
        return 0;
    }
}
