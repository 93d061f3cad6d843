using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Data.Tables;
using Profiles.Infrastructure.Backup;
using Profiles.Infrastructure.Commands;
using Profiles.Infrastructure.Database;
using Profiles.Infrastructure.Settings;
using Profiles.Infrastructure.Tokens;

namespace Profiles.Features.Move;

/// <summary>Copies all rows and keys from the configured database to another, and compares them there.</summary>
sealed class MoveCommand : OperatorCommand
{
    readonly Option<string> to = new("--to")
    {
        Description = "The other database, as in ConnectionStrings__Profiles; empty or missing. PGPASSFILE keeps the password.",
        Required = true,
    };

    public MoveCommand() : base(
        "move", "Copies the database to another, SQLite to PostgreSQL or back, and compares both. The service must be stopped.",
        "Profiles move --to postgres://profiles@db.example/profiles", "Profiles move --to \"Data Source=/var/lib/profiles/profiles.db\"") =>
        Add(to);

    public override bool NeedsDatabase => false;

    public override async Task<int> RunAsync(CommandRun run, CancellationToken ct)
    {
        var service = run.Get<IOptions<ServiceOptions>>().Value;
        service.RequireNoHalf();
        PrivateFiles.CreateDirectory(service.DataDirectory);
        var keys = ActivatorUtilities.CreateInstance<KeyFiles>(run.Services);
        var engine = DatabaseSetup.Open(run.Services, run.Arguments.GetRequiredValue(to), engine: null);
        using var owned = engine as IDisposable;
        if (await engine.HasRowsAsync(ct))
            throw new StartException("The other database is not empty.");
        await using var source = new WholeDatabase(await run.Get<DatabaseEngine>().ReadTablesAsync(alone: true, ct), keys);
        await using var target = new WholeDatabase(await engine.ReplaceTablesAsync(ct), keys);
        var start = Stopwatch.GetTimestamp();
        var sums = new List<string>();
        var rows = await Progress.RunAsync(run.Output, async progress =>
        {
            var total = 0L;
            foreach (var table in Table.All)
            {
                var (copied, sum) = await CopyAsync(source, target, table, keys, progress, ct);
                total += copied;
                if (target.HasOtherKeys())
                    throw new StartException("DataDirectory has other keys than the database: move those files away.");
                if (target.HasInFile(table))
                    continue;
                var there = await SumAsync(table, target.ReadAsync(table, ct), keys, ct);
                if (there != (copied, sum))
                    throw new StartException($"The table {table.Name} is not the same in the other database: nothing was moved.");
                sums.Add(string.Create(CultureInfo.InvariantCulture, $"{table.Name}: {copied} rows, SHA-256 {sum}"));
            }
            return total;
        });
        var detail = string.Create(CultureInfo.InvariantCulture, $"{rows} rows from {run.Get<DatabaseEngine>().Provider}");
        await target.RecordAsync("database.moved", detail, run.Get<TimeProvider>().GetUtcNow().UtcDateTime, ct);
        await target.CommitAsync();
        sums.ForEach(run.Output.WriteLine);
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        await run.Output.WriteLineAsync(string.Create(
            CultureInfo.InvariantCulture,
            $"Moved {rows} rows in {seconds:F1} s ({rows / seconds:F0} rows/s). ConnectionStrings__Profiles must name the other now."));
        return 0;
    }

    static async Task<(long Rows, string Sum)> CopyAsync(
        WholeDatabase source, WholeDatabase target, Table table, KeyFiles keys, Progress progress, CancellationToken ct)
    {
        using var sum = new RowSum();
        var total = await source.CountAsync(table, ct);
        await target.WriteAsync(
            table,
            source.ReadAsync(table, ct).Select(row =>
            {
                sum.Add(keys.Opened(table, row));
                progress.Report(table.Name, sum.Rows, total);
                return row;
            }),
            ct);
        await target.ContinueAfterAsync(table, await source.LastNumberAsync(table, ct), ct);
        return (sum.Rows, sum.Complete());
    }

    static async Task<(long Rows, string Sum)> SumAsync(
        Table table, IAsyncEnumerable<object?[]> rows, KeyFiles keys, CancellationToken ct)
    {
        using var sum = new RowSum();
        await foreach (var row in rows.WithCancellation(ct))
            sum.Add(keys.Opened(table, row));
        return (sum.Rows, sum.Complete());
    }
}
