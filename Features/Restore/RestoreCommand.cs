using System.CommandLine;
using System.Globalization;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Backup;
using Profiles.Infrastructure.Commands;
using Profiles.Infrastructure.Images;
using Profiles.Infrastructure.Settings;
using Profiles.Infrastructure.Tokens;

namespace Profiles.Features.Restore;

/// <summary>Puts the contents of an archive in place of the database, the local images and the keys, or changes nothing.</summary>
sealed class RestoreCommand : OperatorCommand
{
    readonly Argument<string> file = new("FILE") { Description = "An archive of backup, of either database." };

    readonly Option<bool> force = new("--force") { Description = "Replaces what is there." };

    public RestoreCommand() : base(
        "restore",
        "Restores an archive into the configured database and directories, once it is checked whole. The service must be stopped.",
        "Profiles restore /backup/profiles-2026-11-29.tar", "Profiles restore profiles.tar --force")
    {
        Add(file);
        Add(force);
    }

    public override bool NeedsDatabase => false;

    public override async Task<int> RunAsync(CommandRun run, CancellationToken ct)
    {
        // Without it --force would be of no use.
        File.OpenHandle(run.Arguments.GetRequiredValue(file)).Dispose();
        var engine = run.Get<DatabaseEngine>();
        var service = run.Get<IOptions<ServiceOptions>>().Value;
        var directory = run.Get<IOptions<ImagesOptions>>().Value.Directory;
        if (!run.Arguments.GetValue(force)
            && (File.Exists(service.RestoreMark) || RestoredImages.HasImages(directory) || await engine.HasRowsAsync(ct)))
            throw new StartException("There are rows or images already: --force replaces them.");
        try
        {
            var (rows, images) = await Progress.RunAsync(run.Output, async progress =>
            {
                using var archive = await ArchiveReader.OpenAsync(
                    run.Arguments.GetRequiredValue(file), (done, total) => progress.Report("bytes checked", done, total), ct);
                PrivateFiles.CreateDirectory(service.DataDirectory);
                await using var database = new WholeDatabase(
                    await engine.ReplaceTablesAsync(ct), ActivatorUtilities.CreateInstance<KeyFiles>(run.Services));
                using var replacement = new RestoredImages(directory, File.Exists(service.RestoreMark));
                replacement.Begin();
                await using var contents = new RestoreContents(archive, progress, ct);
                await contents.WriteAsync(database, replacement);
                var detail = string.Create(CultureInfo.InvariantCulture, $"{contents.Rows} rows and {contents.Images} image files");
                await database.RecordAsync("database.restored", detail, run.Get<TimeProvider>().GetUtcNow().UtcDateTime, ct);
                await ReplaceAsync(database, replacement, service.RestoreMark);
                return (contents.Rows, contents.Images);
            });
            await run.Output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"Restored {rows} rows and {images} image files."));
            return 0;
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException)
        {
            throw new StartException("The archive is damaged or incomplete: nothing was changed.");
        }
    }

    // From here on nothing cancels. While the mark is there, the service does not start: database and images may be of two times.
    static async Task ReplaceAsync(WholeDatabase database, RestoredImages images, string mark)
    {
        RestoredImages.Flush();
        var isMarked = File.Exists(mark);
        if (!isMarked)
        {
            await PrivateFiles.Create(mark).DisposeAsync();
            // No rename may be on the disk before it.
            RestoredImages.Flush();
        }
        try
        {
            images.Replace();
            await database.CommitAsync();
        }
        catch (Exception e) when (e is not CommitUnknownException)
        {
            images.Undo();
            if (!isMarked)
                File.Delete(mark);
            throw;
        }
        RestoredImages.Flush();
        File.Delete(mark);
        images.Complete();
    }
}
