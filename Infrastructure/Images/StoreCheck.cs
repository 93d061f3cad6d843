using System.Data.Common;
using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Commands;
using Profiles.Infrastructure.Decoding;
using Profiles.Infrastructure.Decoding.Worker.Protocol;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Images;

/// <summary>
/// Runs <c>Profiles check</c>, which reports whether the two stores agree: every profile's image and its variants exist and decode, no
/// file, asset or object older than Images:Grace is without a profile or an outbox entry, and the database is intact. Changes nothing, and
/// may run beside the service.
/// </summary>
sealed class StoreCheck(
    ProfilesDbContext db,
    DatabaseEngine engine,
    DecodePool decoders,
    ImageStorages storages,
    IOptions<ImagesOptions> options,
    TimeProvider clock)
{
    // A change in progress has ended by then.
    static readonly TimeSpan RecheckDelay = TimeSpan.FromSeconds(3);

    int images, stored, pending;

    /// <summary>Prints what it finds and returns the exit code: 0 when it finds no fault, else 1.</summary>
    /// <exception cref="StartException">The check cannot be completed; the message says why.</exception>
    public async Task<int> RunAsync(TextWriter output, CancellationToken ct)
    {
        HashSet<string> findings;
        try
        {
            findings = await Progress.RunAsync(output, async progress =>
            {
                var found = await FindAsync(progress, "images", ct);
                if (found.Count == 0)
                    return found;
                await Task.Delay(RecheckDelay, ct);
                found.IntersectWith(await FindAsync(progress, "images again", ct));
                return found;
            });
        }
        catch (Exception e) when (e is ImageStorageException or BusyException or DbException or IOException or UnauthorizedAccessException)
        {
            throw new StartException($"The check could not be completed: {e.Message}");
        }
        foreach (var finding in findings.Order(StringComparer.Ordinal))
            await output.WriteLineAsync(finding);
        var result = findings.Count == 0 ? "no fault." : $"{findings.Count} faults.";
        await output.WriteLineAsync(string.Create(
            CultureInfo.InvariantCulture, $"{images} images, {stored} files and assets, {pending} changes of images pending: {result}"));
        return findings.Count == 0 ? 0 : 1;
    }

    async Task<HashSet<string>> FindAsync(Progress progress, string stage, CancellationToken ct)
    {
        HashSet<string> findings = [.. await engine.CheckIntegrityAsync(db, ct)];
        // The stores are read before the rows: an image uploaded in between looks missing and is found by the second pass.
        var listed = new Dictionary<OutboxStore, Dictionary<string, StoredImage>>();
        foreach (var storage in storages.All)
        {
            var found = listed[storage.Store] = [];
            await foreach (var each in storage.ListAsync(ct))
                found[each.Name] = each;
        }
        var entries = await db.Outbox.AsNoTracking().Where(e => ImageStorages.Stores.Contains(e.Store)).ToListAsync(ct);
        var profiles = db.UserProfiles.AsNoTracking().Where(p => p.Image != null);
        var total = await profiles.CountAsync(ct);
        (images, stored, pending) = (0, listed.Values.Sum(l => l.Count), entries.Count);

        // By reference: the names of millions of files are held once.
        var known = new HashSet<StoredImage>(ReferenceEqualityComparer.Instance);
        foreach (var entry in entries)
            known.UnionWith(Listed(entry.Store, NamesOf(entry)));
        var gate = new Lock();
        var concurrency = new ParallelOptions { MaxDegreeOfParallelism = decoders.Workers, CancellationToken = ct };
        await Parallel.ForEachAsync(profiles.AsAsyncEnumerable(), concurrency, async (profile, token) =>
        {
            var image = profile.Image!;
            var storage = storages.Of(image);
            var names = storage.NamesOf(profile.UserId, image.Key);
            var found = listed.GetValueOrDefault(storage.Store, []);
            var fault = image.IsLocal ? await FaultOfAsync(names, image, found, token) : FaultOf(image, names.Select(n => n[0]), found);
            lock (gate)
            {
                known.UnionWith(Listed(storage.Store, names.SelectMany(n => n)));
                if (fault is not null)
                    findings.Add($"The image of user {profile.UserId} {fault}.");
                progress.Report(stage, ++images, total);
            }
        });
        var old = clock.GetUtcNow().UtcDateTime - options.Value.Grace;
        foreach (var (store, found) in listed)
        {
            findings.UnionWith(found.Values.Where(i => !known.Contains(i) && i.Written < old)
                .Select(i => $"The {Kind(store)} {i.Name} belongs to no profile."));
        }
        return findings;

        IEnumerable<StoredImage> Listed(OutboxStore store, IEnumerable<string> names) =>
            listed.TryGetValue(store, out var found) ? names.Select(found.GetValueOrDefault).OfType<StoredImage>() : [];
    }

    static string Kind(OutboxStore store) => store switch
    {
        OutboxStore.LocalImages => "file",
        OutboxStore.S3 => "object",
        _ => "asset",
    };

    IEnumerable<string> NamesOf(OutboxEntry entry)
    {
        var names = storages.Of(entry.Store).NamesOf(entry.UserId, entry.Key).SelectMany(n => n);
        return entry.Store == OutboxStore.LocalImages ? names.Concat(LocalImageStorage.TemporaryNamesOf(entry)) : names;
    }

    // The first name is that of the image itself.
    static string? FaultOf(ProfileImage image, IEnumerable<string> names, Dictionary<string, StoredImage> found)
    {
        var place = image.IsInS3 ? "in S3" : "at Cloudinary";
        return names.FirstOrDefault(n => !found.ContainsKey(n)) is { } missing ? $"is missing {place} ({missing})"
            : image.Bytes != 0 && found[names.First()].Bytes is var bytes && bytes != image.Bytes
                ? $"has {bytes} bytes {place} instead of {image.Bytes}"
            : null;
    }

    async Task<string?> FaultOfAsync(
        IReadOnlyList<string[]> parts, ProfileImage image, Dictionary<string, StoredImage> files, CancellationToken ct)
    {
        var main = true;
        foreach (var names in parts)
        {
            if (names.Select(files.GetValueOrDefault).FirstOrDefault(f => f is not null) is not { } file)
                return $"is missing ({names[^1]})";
            try
            {
                var jpeg = await file.Read!(ct);
                if (main && ProcessedImage.VersionOf(jpeg) != image.Key)
                    return $"is not the one that the profile names ({file.Name})";
                using var buffer = decoders.Receive();
                using var stream = new MemoryStream(jpeg);
                while (await buffer.ReadAsync(stream, ct))
                    continue;
                await decoders.ProcessAsync(buffer, ct);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or ImageRefusedException)
            {
                return $"cannot be read or decoded ({file.Name})";
            }
            // An image from before variants were introduced has none.
            if (image.Width == 0)
                return null;
            main = false;
        }
        return null;
    }
}
