using System.CommandLine;
using System.Globalization;
using Profiles.Data;
using Profiles.Data.Tables;
using Profiles.Infrastructure.Audit;
using Profiles.Infrastructure.Backup;
using Profiles.Infrastructure.Commands;
using Profiles.Infrastructure.Settings;
using Profiles.Infrastructure.Tokens;

namespace Profiles.Features.Backup;

/// <summary>Writes the database, the local images and the keys into one archive, beside the service.</summary>
sealed class BackupCommand : OperatorCommand
{
    readonly Argument<string> file = new("FILE") { Description = "The archive, a new file. It contains secrets: keep it as the database." };

    public BackupCommand() : base(
        "backup", "Writes the database, the local images and the keys into one archive with checksums; the service may run and write.",
        "Profiles backup /backup/profiles-$(date +%F).tar", "tar -xOf profiles.tar manifest.json") => Add(file);

    public override async Task<int> RunAsync(CommandRun run, CancellationToken ct)
    {
        var path = Path.GetFullPath(run.Arguments.GetRequiredValue(file));
        if (Path.Exists(path))
            throw new StartException($"{path} exists: a backup never replaces one.");
        var engine = run.Get<DatabaseEngine>();
        await using var tables = await engine.ReadTablesAsync(alone: false, ct);
        var database = new WholeDatabase(tables, ActivatorUtilities.CreateInstance<KeyFiles>(run.Services));
        var images = ActivatorUtilities.CreateInstance<BackupImages>(run.Services);
        using var archive = new ArchiveWriter(path);
        var (rows, size) = await Progress.RunAsync(run.Output, async progress =>
        {
            var manifest = await DescribeAsync(database, engine, run.Get<TimeProvider>(), ct);
            archive.Add(manifest);
            await images.AddAsync(archive, tables, progress, ct);
            foreach (var (table, described) in Table.All.Zip(manifest.Tables))
            {
                var done = 0L;
                await archive.AddAsync(
                    table,
                    database.ReadAsync(table, ct).Select(row =>
                    {
                        progress.Report(table.Name, ++done, described.Rows);
                        return images.AsStored(table, row);
                    }),
                    ct);
            }
            var total = manifest.Tables.Sum(t => t.Rows);
            // Before the archive has its name: no copy of everybody's data is to be unaudited.
            run.Get<AuditLog>().Add("database.backed_up", detail: string.Create(
                CultureInfo.InvariantCulture, $"{total} rows and {images.Stored} images"));
            await run.Get<ProfilesDbContext>().SaveChangesAsync(ct);
            return (total, await archive.CompleteAsync(ct));
        });
        await run.Output.WriteLineAsync(string.Create(
            CultureInfo.InvariantCulture, $"{rows} rows and {images.Stored} images, {size} bytes. The archive contains secrets."));
        if (images.Remote > 0)
        {
            await run.Output.WriteLineAsync(string.Create(
                CultureInfo.InvariantCulture, $"{images.Remote} images are in another storage: the archive has their addresses only."));
        }
        if (images.Faulty > 0)
        {
            await run.Output.WriteLineAsync(string.Create(
                CultureInfo.InvariantCulture, $"{images.Faulty} images are missing or damaged (Profiles check), also in the archive."));
        }
        return 0;
    }

    static async Task<Manifest> DescribeAsync(WholeDatabase database, DatabaseEngine engine, TimeProvider clock, CancellationToken ct)
    {
        var described = new List<ManifestTable>();
        foreach (var table in Table.All)
        {
            // The rows first: they begin the snapshot, and a number given later does no harm.
            var rows = await database.CountAsync(table, ct);
            described.Add(new(
                table.Name, rows, await database.LastNumberAsync(table, ct), [.. table.Columns.Select(c => c.Name)]));
        }
        return new(
            Manifest.PresentFormat, Manifest.ProgramVersion, engine.Provider, Table.Schemas[^1], clock.GetUtcNow().UtcDateTime, described);
    }
}
