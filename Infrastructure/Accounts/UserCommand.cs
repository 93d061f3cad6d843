using System.CommandLine;
using Profiles.Data;
using Profiles.Infrastructure.Commands;

namespace Profiles.Infrastructure.Accounts;

/// <summary>A command about one user, who is named by address, id or username.</summary>
abstract class UserCommand : OperatorCommand
{
    /// <summary>The failure when there is no such user, or not any more.</summary>
    public const string Missing = "Nobody has this address, id or username.";

    readonly Argument<string> who = new("WHO") { Description = "The user's address, id or username. Digits alone are an id." };

    /// <inheritdoc cref="OperatorCommand(string, string, string[])"/>
    protected UserCommand(string path, string description, params string[] examples) : base(path, description, examples) => Add(who);

    public sealed override async Task<int> RunAsync(CommandRun run, CancellationToken ct)
    {
        var named = run.Arguments.GetRequiredValue(who);
        return await run.Get<UserLookup>().FindAsync(named, ct) is { } user
            ? await RunAsync(run, user, ct)
            : await RunMissingAsync(run, named, ct);
    }

    /// <param name="run">The run.</param>
    /// <param name="user">The user with the profile, untracked.</param>
    /// <param name="ct">Cancels it.</param>
    protected abstract Task<int> RunAsync(CommandRun run, User user, CancellationToken ct);

    /// <summary>Runs when there is no such user: fails, unless the command knows what else was meant.</summary>
    protected virtual Task<int> RunMissingAsync(CommandRun run, string named, CancellationToken ct) => CommandRun.FailAsync(Missing);

    /// <summary>How a result names the user.</summary>
    protected static string NameOf(User user) => FormattableString.Invariant($"User {user.Id} ({user.Email ?? "no address"})");
}
