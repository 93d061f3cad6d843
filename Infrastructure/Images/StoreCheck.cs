using System.Data.Common;
using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Decoding;
using Profiles.Infrastructure.Decoding.Worker.Protocol;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Images;

/// <summary>
/// The program in its other role, <c>Profiles check</c>: says whether the two stores agree. Every profile's picture and its variants are there and decode; nothing is
/// kept that no profile shows and no outbox entry remembers, once it is older than Images:Grace; the database is whole. It changes nothing, and may run beside the service.
/// </summary>
sealed class StoreCheck(
    ProfilesDbContext db, DatabaseEngine engine, DecodePool decoders, ImageStorages storages, IOptions<ImagesOptions> options, TimeProvider clock)
{
    public const string Command = "check";

    // A change that is going on has ended by then.
    static readonly TimeSpan SecondLook = TimeSpan.FromSeconds(3);

    int pictures, kept, pending;

    /// <summary>Checks and prints; the exit code: 0 when all is well, else 1.</summary>
    /// <exception cref="StartException">It cannot check; the message says why.</exception>
    public static async Task<int> RunAsync(IServiceProvider services)
    {
        using var scope = services.CreateScope();
        return await ActivatorUtilities.CreateInstance<StoreCheck>(scope.ServiceProvider).RunAsync(Console.Out, CancellationToken.None);
    }

    async Task<int> RunAsync(TextWriter output, CancellationToken ct)
    {
        try
        {
            if (engine.IsMissing || (await db.Database.GetPendingMigrationsAsync(ct)).Any())
                throw new StartException("The database is not there, or older than this program: start the service once.");
        }
        catch (DbException e)
        {
            throw new StartException($"The database cannot be used (ConnectionStrings__Profiles, or profiles.db in DataDirectory): {DatabaseFaults.Sentence(e) ?? "it does not answer."}");
        }
        HashSet<string> findings;
        try
        {
            findings = await FindAsync(ct);
            if (findings.Count > 0)
            {
                await Task.Delay(SecondLook, ct);
                findings.IntersectWith(await FindAsync(ct));
            }
        }
        catch (Exception e) when (e is ImageStorageException or BusyException or DbException or IOException or UnauthorizedAccessException)
        {
            throw new StartException($"The check could not be ended: {e.Message}");
        }
        foreach (var finding in findings.Order(StringComparer.Ordinal))
            await output.WriteLineAsync(finding);
        await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{pictures} pictures, {kept} files and assets, {pending} pending in the outbox: {(findings.Count == 0 ? "no fault." : $"{findings.Count} faults.")}"));
        return findings.Count == 0 ? 0 : 1;
    }

    async Task<HashSet<string>> FindAsync(CancellationToken ct)
    {
        HashSet<string> findings = [.. await engine.FaultsAsync(db, ct)];
        // The stores before the rows: what is put up in between looks missing, and is there at the second look.
        Dictionary<string, KeptImage> files = [], assets = [];
        foreach (var storage in storages.All)
        {
            await foreach (var stored in storage.ListAsync(ct))
                (storage.Store == OutboxStore.LocalImages ? files : assets)[stored.Name] = stored;
        }
        var entries = await db.Outbox.AsNoTracking().Where(e => e.Store != OutboxStore.Mail).ToListAsync(ct);
        (pictures, kept, pending) = (0, files.Count + assets.Count, entries.Count);

        HashSet<string> explained = [.. entries.SelectMany(NamesOf)];
        await foreach (var profile in db.UserProfiles.AsNoTracking().Where(p => p.Image != null).AsAsyncEnumerable().WithCancellation(ct))
        {
            pictures++;
            var image = profile.Image!;
            explained.UnionWith(image.IsLocal ? LocalImageStorage.NamesOf(profile.UserId, image.Key).SelectMany(n => n) : [image.Key]);
            var fault = image.IsLocal ? await FaultOfAsync(profile.UserId, image, files, ct) : FaultOf(image, assets);
            if (fault is not null)
                findings.Add($"The picture of user {profile.UserId} {fault}.");
        }
        var old = clock.GetUtcNow().UtcDateTime - options.Value.Grace;
        findings.UnionWith(files.Values.Where(f => !explained.Contains(f.Name) && f.Written < old).Select(f => $"The file {f.Name} belongs to no profile."));
        findings.UnionWith(assets.Values.Where(a => !explained.Contains(a.Name) && a.Written < old).Select(a => $"The asset {a.Name} belongs to no profile."));
        return findings;
    }

    static IEnumerable<string> NamesOf(OutboxEntry entry) => entry.Store == OutboxStore.Cloudinary
        ? [entry.Key] : [.. LocalImageStorage.NamesOf(entry.UserId, entry.Key).SelectMany(n => n), .. LocalImageStorage.TemporaryNamesOf(entry)];

    static string? FaultOf(ProfileImage image, Dictionary<string, KeptImage> assets) =>
        !assets.TryGetValue(image.Key, out var asset) ? $"is not at Cloudinary ({image.Key})"
        : image.Bytes != 0 && asset.Bytes != image.Bytes ? $"has {asset.Bytes} bytes at Cloudinary and not {image.Bytes}"
        : null;

    async Task<string?> FaultOfAsync(long userId, ProfileImage image, Dictionary<string, KeptImage> files, CancellationToken ct)
    {
        var main = true;
        foreach (var names in LocalImageStorage.NamesOf(userId, image.Key))
        {
            if (names.Select(files.GetValueOrDefault).FirstOrDefault(f => f is not null) is not { } file)
                return $"is not there ({names[^1]})";
            try
            {
                var jpeg = await file.Read!(ct);
                if (main && ProcessedImage.VersionOf(jpeg) != image.Key)
                    return $"is another one than the profile names ({file.Name})";
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
            // One from before variants were made has none.
            if (image.Width == 0)
                return null;
            main = false;
        }
        return null;
    }
}
