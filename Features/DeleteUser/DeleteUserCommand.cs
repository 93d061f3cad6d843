using System.CommandLine;
using Profiles.Data;
using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Audit;
using Profiles.Infrastructure.Commands;

namespace Profiles.Features.DeleteUser;

sealed class DeleteUserCommand : UserCommand
{
    readonly Option<bool> yes = new("--yes") { Description = "Does not ask." };

    public DeleteUserCommand() : base(
        "users delete",
        "Deletes an account for good, with the profile, all sessions and the image.",
        "Profiles users delete john@example.com",
        "Profiles users delete 42 --yes") => Add(yes);

    protected override async Task<int> RunAsync(CommandRun run, User user, CancellationToken ct)
    {
        if (!run.Arguments.GetValue(yes) && !await run.ConfirmAsync($"Delete {NameOf(user)} with all data, for good?", ct))
            return await CommandRun.FailAsync("Nothing is deleted. Without a terminal, --yes is needed.");
        var audit = run.Get<AuditLog>();
        if (!await run.Get<AccountDeletion>().DeleteAsync(user.Id, () => audit.Add(DeleteUserEndpoint.Action, user.Id)))
            return await CommandRun.FailAsync(Missing);
        await run.Output.WriteLineAsync($"{NameOf(user)} is deleted.");
        return 0;
    }
}
