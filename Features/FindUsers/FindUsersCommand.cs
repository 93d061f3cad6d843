using System.CommandLine;
using Profiles.Data;
using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Commands;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Paging;

namespace Profiles.Features.FindUsers;

sealed class FindUsersCommand : OperatorCommand
{
    readonly Argument<string> query = new("QUERY")
    {
        Description = "The beginning of an address or of a username, or a whole id or external id. Without it, all accounts are listed.",
        Arity = ArgumentArity.ZeroOrOne,
        DefaultValueFactory = _ => "",
    };
    readonly Option<string?> after = new("--cursor") { Description = "Continues a list that was cut off." };
    readonly Option<int> limit = Page.LimitOption();
    readonly Option<bool> json = CommandRun.JsonOption();

    public FindUsersCommand() : base(
        "users find",
        "Lists accounts, or finds them by the beginning of an address or a username or by a whole id.",
        "Profiles users find john@", "Profiles users find --limit 100 --json")
    {
        query.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string>() is { Length: > 0 } text && !FindUsersSearch.IsQuery(text))
                result.AddError(ErrorCodes.QueryInvalid.Sentence);
        });
        Add(query);
        Add(limit);
        Add(after);
        Add(json);
    }

    public override async Task<int> RunAsync(CommandRun run, CancellationToken ct)
    {
        Cursor? cursor = null;
        if (run.Arguments.GetValue(after) is { } text && !Cursor.TryParse(text, FindUsersSearch.Parts, out cursor))
            return await CommandRun.FailAsync("--cursor is not from a previous list.");
        var asked = run.Arguments.GetValue(query) ?? "";
        var found = await ActivatorUtilities.CreateInstance<FindUsersSearch>(run.Services)
            .FindAsync(asked, cursor, run.Arguments.GetValue(limit), ct);
        var waiting = await run.Get<WaitingRegistrations>().FindTimeAsync(User.Normalize(asked), ct);
        if (run.Arguments.GetValue(json))
        {
            await run.WriteJsonAsync(new { found.Users, found.NextCursor, WaitingSince = waiting });
            return 0;
        }
        foreach (var user in found.Users)
        {
            var state = user.DisabledAt is not null ? "disabled" : user.GuestSince is not null ? "guest"
                : user.EmailVerifiedAt is null ? "unconfirmed" : "confirmed";
            await run.Output.WriteLineAsync(FormattableString.Invariant(
                $"{user.Id,-10} {state,-12} {user.Email ?? "-"}  {user.Username ?? "-"}  {user.Name}"));
        }
        if (found.NextCursor is { } next)
            await run.Output.WriteLineAsync($"There are more: --cursor {next}");
        if (waiting is not null)
            await run.Output.WriteLineAsync($"A registration of this address waits to be confirmed since {waiting:u} (users verify).");
        return found.Users.Count > 0 || waiting is not null ? 0 : await CommandRun.FailAsync("Nobody is found.");
    }
}
