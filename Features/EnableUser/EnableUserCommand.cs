using Profiles.Data;
using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Commands;

namespace Profiles.Features.EnableUser;

sealed class EnableUserCommand() : UserCommand(
    "users enable",
    "Enables a disabled account again; its user logs in anew.",
    "Profiles users enable 42")
{
    protected override async Task<int> RunAsync(CommandRun run, User user, CancellationToken ct)
    {
        if (!await run.Get<AccountControl>().EnableAsync(user.Id, ct))
            return await CommandRun.FailAsync(Missing);
        await run.Output.WriteLineAsync($"{NameOf(user)} is enabled.");
        return 0;
    }
}
