using Profiles.Data;
using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Commands;

namespace Profiles.Features.VerifyUser;

sealed class VerifyUserCommand() : UserCommand(
    "users verify",
    "Confirms the address of an account whose user cannot get the mail.",
    "Profiles users verify john@example.com")
{
    protected override async Task<int> RunAsync(CommandRun run, User user, CancellationToken ct)
    {
        if (!await run.Get<AccountControl>().VerifyAsync(user.Id, ct))
            return await CommandRun.FailAsync(Missing);
        await run.Output.WriteLineAsync($"{NameOf(user)} has a confirmed address.");
        return 0;
    }
}
