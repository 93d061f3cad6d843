using System.Collections.Concurrent;
using System.Data.Common;
using System.Linq.Expressions;
using System.Runtime.CompilerServices;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Decoding;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Images;
using Profiles.Infrastructure.Settings;

namespace Profiles.Features.MoveImages;

/// <summary>
/// Moves images, a few at a time: stores one, reads it back, changes the row if it still names the original, and deletes the original.
/// Every step is the outbox's, as in an upload, so that nothing is lost or left behind by an end at any moment.
/// </summary>
sealed class ImageMove(IServiceScopeFactory scopes, IImageStorage source, IImageStorage target)
{
    const int Concurrency = 4, PageSize = 500, MostFailuresInARow = 20;

    const string Local = "/%", InS3 = $"{ProfileImage.S3Scheme}%";

    int moved, changed, failuresInARow;

    /// <summary>The images that are at the target now.</summary>
    public int Moved => moved;

    /// <summary>The images that their owner replaced or deleted meanwhile; these are left as they are.</summary>
    public int Changed => changed;

    /// <summary>A sentence for each image that stays where it is.</summary>
    public ConcurrentQueue<string> Failures { get; } = [];

    public int Done => Moved + Changed + Failures.Count;

    // What ImageStorages.StoreOf tells, as a query.
    Expression<Func<UserProfile, bool>> IsAtSource => source.Store switch
    {
        OutboxStore.LocalImages => p => p.Image != null && EF.Functions.Like(p.Image.Url, Local),
        OutboxStore.S3 => p => p.Image != null && EF.Functions.Like(p.Image.Url, InS3),
        _ => p => p.Image != null && !EF.Functions.Like(p.Image.Url, Local) && !EF.Functions.Like(p.Image.Url, InS3),
    };

    public async Task<int> CountAsync(CancellationToken ct)
    {
        await using var scope = scopes.CreateAsyncScope();
        return await Database(scope).UserProfiles.CountAsync(IsAtSource, ct);
    }

    /// <summary>Moves all; when it is cancelled, after those that it has begun.</summary>
    /// <exception cref="StartException">Too many in a row failed; the message has the last reason.</exception>
    public Task RunAsync(CancellationToken ct) => Parallel.ForEachAsync(
        FindAsync(ct), new ParallelOptions { MaxDegreeOfParallelism = Concurrency, CancellationToken = ct }, async (userId, _) =>
        {
            try
            {
                await MoveAsync(userId);
                Interlocked.Increment(ref moved);
                Volatile.Write(ref failuresInARow, 0);
            }
            catch (Exception e) when (e is ImageChangedException or UserDeletedException)
            {
                Interlocked.Increment(ref changed);
            }
            catch (Exception e) when (
                e is ImageStorageException or ImageRefusedException or BusyException or IOException or DbException or DbUpdateException)
            {
                Failures.Enqueue($"The image of user {userId} stays where it is: {e.Message}");
                if (Interlocked.Increment(ref failuresInARow) >= MostFailuresInARow)
                    throw new StartException($"The move stopped: {MostFailuresInARow} images in a row failed. {e.Message}");
            }
        });

    async IAsyncEnumerable<long> FindAsync([EnumeratorCancellation] CancellationToken ct)
    {
        var last = 0L;
        for (var page = new List<long>(); page.Count == PageSize || last == 0;)
        {
            await using (var scope = scopes.CreateAsyncScope())
            {
                page = await Database(scope).UserProfiles.Where(p => p.UserId > last).Where(IsAtSource)
                    .OrderBy(p => p.UserId).Select(p => p.UserId).Take(PageSize).ToListAsync(ct);
            }
            foreach (var userId in page)
                yield return last = userId;
            if (page.Count == 0)
                yield break;
        }
    }

    // Not cancellable: an image that is begun is finished.
    async Task MoveAsync(long userId)
    {
        await using var scope = scopes.CreateAsyncScope();
        var db = Database(scope);
        var image = await ImageOfAsync(db, userId);
        if (image is null || ImageStorages.StoreOf(image) != source.Store)
            throw new ImageChangedException();
        var copy = await ImageCopy.ReadAsync(userId, image, source, scope.ServiceProvider.GetRequiredService<DecodePool>());
        if (copy is null)
            throw await ImageOfAsync(db, userId) == image ? new ImageStorageException("It is missing.") : new ImageChangedException();
        await scope.ServiceProvider.GetRequiredService<ImageReplacement>().ReplaceAsync(
            userId, copy.Content, target,
            (before, key, url) => before == image ? copy.At(key, url) : throw new ImageChangedException(),
            CancellationToken.None,
            evenDisabled: true,
            verify: (key, url) => copy.VerifyAsync(userId, copy.At(key, url), target));
    }

    static ProfilesDbContext Database(AsyncServiceScope scope) => scope.ServiceProvider.GetRequiredService<ProfilesDbContext>();

    static async Task<ProfileImage?> ImageOfAsync(ProfilesDbContext db, long userId) =>
        (await db.UserProfiles.AsNoTracking().SingleOrDefaultAsync(p => p.UserId == userId))?.Image;

    sealed class ImageChangedException() : Exception("The profile shows another image by now.");
}
