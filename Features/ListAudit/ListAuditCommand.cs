using System.CommandLine;
using System.Globalization;
using Profiles.Data;
using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Commands;
using Profiles.Infrastructure.Paging;

namespace Profiles.Features.ListAudit;

sealed class ListAuditCommand : OperatorCommand
{
    readonly Option<string?> who = new("--user")
    {
        Description = "Whom the entries concern: an address, an id or a username. A deleted user has only an id.",
    };

    readonly Option<DateTime?> since = new("--since")
    {
        Description = "The earliest entry: a day or a time in UTC, such as 2026-01-31 or 2026-01-31T12:00:00Z.",
        CustomParser = result =>
        {
            if (DateTime.TryParse(result.Tokens[0].Value, CultureInfo.InvariantCulture,
                DateTimeStyles.AdjustToUniversal | DateTimeStyles.AssumeUniversal, out var time))
                return time;
            result.AddError("--since is a day or a time such as 2026-01-31 or 2026-01-31T12:00:00Z.");
            return null;
        },
    };

    readonly Option<long?> before = new("--cursor") { Description = "Continues a list that was cut off." };

    readonly Option<int> limit = Page.LimitOption();

    readonly Option<bool> json = CommandRun.JsonOption();

    public ListAuditCommand() : base(
        "audit",
        "Lists what operators did by commands and by the admin API, the latest first.",
        "Profiles audit --since 2026-01-31",
        "Profiles audit --user 42 --json")
    {
        Add(who);
        Add(since);
        Add(limit);
        Add(before);
        Add(json);
    }

    public override async Task<int> RunAsync(CommandRun run, CancellationToken ct)
    {
        long? userId = null;
        if (run.Arguments.GetValue(who) is { } name)
        {
            userId = long.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var id)
                ? id : (await run.Get<UserLookup>().FindAsync(name, ct))?.Id;
            if (userId is null)
                return await CommandRun.FailAsync(UserCommand.Missing);
        }
        var found = await ListAuditReader.ReadAsync(
            run.Get<ProfilesDbContext>(), userId, run.Arguments.GetValue(since), run.Arguments.GetValue(before),
            run.Arguments.GetValue(limit), ct);
        if (run.Arguments.GetValue(json))
        {
            await run.WriteJsonAsync(found);
            return 0;
        }
        if (found.Entries.Count > 0)
            await run.Output.WriteLineAsync($"{"time",-20}  actor  action  user  detail");
        foreach (var entry in found.Entries)
        {
            object whom = entry.UserId is { } about ? about : "-";
            await run.Output.WriteLineAsync(string.Create(
                CultureInfo.InvariantCulture, $"{entry.At:u}  {entry.Actor}  {entry.Action}  {whom}  {entry.Detail ?? "-"}"));
        }
        if (found.NextCursor is { } next)
            await run.Output.WriteLineAsync($"There are more: --cursor {next}");
        return 0;
    }
}
