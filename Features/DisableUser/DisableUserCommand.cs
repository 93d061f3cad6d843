using Profiles.Data;
using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Commands;

namespace Profiles.Features.DisableUser;

sealed class DisableUserCommand() : UserCommand(
    "users disable",
    "Disables an account: ends its sessions, refuses its logins and hides its profile, at once on all instances.",
    "Profiles users disable john@example.com")
{
    protected override async Task<int> RunAsync(CommandRun run, User user, CancellationToken ct)
    {
        if (!await run.Get<AccountControl>().DisableAsync(user.Id, ct))
            return await CommandRun.FailAsync(Missing);
        await run.Output.WriteLineAsync($"{NameOf(user)} is disabled; all sessions have ended.");
        return 0;
    }
}
