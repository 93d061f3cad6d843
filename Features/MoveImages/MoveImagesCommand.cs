using System.CommandLine;
using System.Data.Common;
using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Audit;
using Profiles.Infrastructure.Commands;
using Profiles.Infrastructure.Images;
using Profiles.Infrastructure.Settings;

namespace Profiles.Features.MoveImages;

/// <summary>Carries the images of all profiles from one storage to another.</summary>
sealed class MoveImagesCommand : OperatorCommand
{
    static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(200);

    readonly Option<ImageStorageKind> from = new("--from") { Required = true, Description = "The storage that has the images." };
    readonly Option<ImageStorageKind> to = new("--to") { Required = true, Description = "The storage that is to have them." };

    public MoveImagesCommand() : base(
        "images move",
        "Carries the images from one storage to another: local, cloudinary or s3. May run beside the service and be interrupted; a further "
            + "run carries the rest.",
        "Profiles images move --from local --to s3")
    {
        Add(from);
        Add(to);
    }

    public override async Task<int> RunAsync(CommandRun run, CancellationToken ct)
    {
        var (source, target) = (run.Arguments.GetValue(from), run.Arguments.GetValue(to));
        if (source == target)
            throw new StartException("--from and --to must be two storages.");
        var move = new ImageMove(
            run.Get<IServiceScopeFactory>(), await FindAsync(run, source, ct), await FindAsync(run, target, ct));
        var total = await move.CountAsync(ct);
        if (run.Get<IOptions<ImagesOptions>>().Value.Storage != target)
            await run.Output.WriteLineAsync($"New images are not stored there: set Images__Storage to {target} and restart the service.");
        try
        {
            if (total > 0)
                await MoveAsync(run, move, $"{source} to {target}", total, ct);
        }
        catch (Exception e) when (e is DbException or DbUpdateException)
        {
            throw new StartException($"The move could not be completed: {e.GetBaseException().Message}");
        }
        finally
        {
            foreach (var failure in move.Failures)
                await run.Output.WriteLineAsync(failure);
            await run.Output.WriteLineAsync(Line(
                $"{move.Moved} of {total} images moved, {move.Changed} changed meanwhile, {move.Failures.Count} failed."));
        }
        return move.Failures.IsEmpty ? 0 : CommandLine.Failed;
    }

    static async Task MoveAsync(CommandRun run, ImageMove move, string way, int total, CancellationToken ct)
    {
        // Two entries: a killed run adds no other.
        await RecordAsync(run, "images.move_started", way);
        try
        {
            await Progress.RunAsync(run.Output, async progress =>
            {
                var work = move.RunAsync(ct);
                while (await Task.WhenAny(work, Task.Delay(LookInterval)) != work)
                    progress.Report("images", move.Done, total);
                await work;
                return move.Done;
            });
        }
        finally
        {
            await RecordAsync(run, "images.moved", Line(
                $"{way}: {move.Moved} moved, {move.Changed} changed meanwhile, {move.Failures.Count} failed"));
        }
    }

    static Task<int> RecordAsync(CommandRun run, string action, string detail)
    {
        run.Get<AuditLog>().Add(action, detail: detail);
        return run.Get<ProfilesDbContext>().SaveChangesAsync(CancellationToken.None);
    }

    static async Task<IImageStorage> FindAsync(CommandRun run, ImageStorageKind kind, CancellationToken ct)
    {
        var storage = run.Get<ImageStorages>().Configured(kind)
            ?? throw new StartException($"{(kind == ImageStorageKind.S3 ? "S3__Bucket" : "CLOUDINARY_URL")} is not set.");
        try
        {
            await storage.CheckAsync(ct);
            return storage;
        }
        catch (Exception e) when (e is ImageStorageException or IOException or UnauthorizedAccessException)
        {
            throw new StartException($"The storage {kind} cannot be used: {e.Message}");
        }
    }

    static string Line(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
