using Profiles.Data;
using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Audit;
using Profiles.Infrastructure.Commands;
using Profiles.Infrastructure.Errors;

namespace Profiles.Features.VerifyUser;

sealed class VerifyUserCommand() : UserCommand(
    "users verify",
    "Confirms the address of an account, or of a registration that waits for it, whose user cannot get the mail.",
    "Profiles users verify john@example.com")
{
    protected override async Task<int> RunAsync(CommandRun run, User user, CancellationToken ct) =>
        await run.Get<AccountControl>().VerifyAsync(user.Id, ct) switch
        {
            true => await SayAsync(run, user),
            false => await CommandRun.FailAsync(ErrorCodes.NoAddress.Sentence),
            null => await CommandRun.FailAsync(Missing),
        };

    protected override async Task<int> RunMissingAsync(CommandRun run, string named, CancellationToken ct)
    {
        var (registrations, audit) = (run.Get<WaitingRegistrations>(), run.Get<AuditLog>());
        if (await registrations.FindAsync(User.Normalize(named), ct) is not { } waiting)
            return await CommandRun.FailAsync(Missing);
        User? created = null;
        var isConfirmed = await registrations.ConfirmAsync(waiting, waiting.PasswordHash, ct, user =>
        {
            created = user;
            audit.Add("user.verified", user.Id, "registration");
        });
        return isConfirmed ? await SayAsync(run, created!) : await CommandRun.FailAsync("The registration has just changed: try again.");
    }

    static async Task<int> SayAsync(CommandRun run, User user)
    {
        await run.Output.WriteLineAsync($"{NameOf(user)} has a confirmed address.");
        return 0;
    }
}
