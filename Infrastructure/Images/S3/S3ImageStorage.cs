using System.Globalization;
using System.Security.Cryptography;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Decoding.Worker.Protocol;

namespace Profiles.Infrastructure.Images.S3;

/// <summary>
/// Stores images in a bucket: each under a random key as <c>&lt;prefix&gt;&lt;key&gt;.jpg</c>, its variants beside it as
/// <c>&lt;prefix&gt;&lt;key&gt;_&lt;side&gt;.jpg</c>. The row has the key alone; the settings make the address of it.
/// </summary>
sealed class S3ImageStorage(S3Client s3, IOptions<S3Options> options) : IImageStorage
{
    // 128 bits, which nobody can guess.
    const int KeyDigits = 32;

    // More than a stored JPEG can have, whatever its row says.
    const int MaxBytes = 32 * 1024 * 1024;

    readonly string prefix = options.Value.Prefix;

    public OutboxStore Store => OutboxStore.S3;

    public bool SettlesUnderLock => false;

    public static string NameOf(string prefix, string key, int? side) => side is null
        ? $"{prefix}{key}.jpg"
        : string.Create(CultureInfo.InvariantCulture, $"{prefix}{key}_{side}.jpg");

    public string KeyFor(ProcessedImage image) => RandomNumberGenerator.GetHexString(KeyDigits, lowercase: true);

    public async Task<string> SaveAsync(OutboxEntry entry, ProcessedImage image, CancellationToken ct)
    {
        // Alone: when it is refused, nothing is stored.
        await s3.PutAsync(NameOf(prefix, entry.Key, null), image.Jpeg, ct);
        await ForVariantsAsync(
            ProcessedImage.Sides.Zip(image.Variants, (side, jpeg) => s3.PutAsync(NameOf(prefix, entry.Key, side), jpeg, ct)));
        return ProfileImage.S3Scheme + entry.Key;
    }

    // The address loads as soon as the object is stored.
    public Task PublishAsync(OutboxEntry entry) => Task.CompletedTask;

    public async Task<Settlement> SettleAsync(OutboxEntry entry, string? shown)
    {
        if (shown == entry.Key)
            return entry.State != OutboxState.Removing || await ExistsAsync(entry.Key) ? Settlement.Done : Settlement.Lost;
        // An upload without an answer may still arrive.
        var isWhole = entry.State != OutboxState.Abandoned
            || await s3.ListAsync(prefix + entry.Key, CancellationToken.None).CountAsync() > ProcessedImage.Sides.Count;
        // The image itself first: a failure before it is deleted has changed nothing.
        await s3.DeleteAsync(NameOf(prefix, entry.Key, null));
        await ForVariantsAsync(ProcessedImage.Sides.Select(side => s3.DeleteAsync(NameOf(prefix, entry.Key, side))));
        return isWhole ? Settlement.Done : Settlement.Missing;
    }

    public Task<byte[]?> ReadAsync(long userId, ProfileImage image, int? side, CancellationToken ct) =>
        s3.GetAsync(NameOf(prefix, image.Key, side), MaxBytes, ct);

    public async Task<bool> MayHaveAsync(long userId, ProfileImage image)
    {
        try
        {
            return await ExistsAsync(image.Key);
        }
        catch (ImageStorageException)
        {
            return true;
        }
    }

    public Task CheckAsync(CancellationToken ct) => s3.CheckAsync(ct);

    public IAsyncEnumerable<StoredImage> ListAsync(CancellationToken ct) => s3.ListAsync(prefix, ct);

    public IReadOnlyList<string[]> NamesOf(long userId, string key) =>
        [.. IImageStorage.Parts.Select(side => new[] { NameOf(prefix, key, side) })];

    // By the list, since the answer to HEAD does not tell a missing object from a missing bucket.
    ValueTask<bool> ExistsAsync(string key) => s3.ListAsync(NameOf(prefix, key, null), CancellationToken.None).AnyAsync();

    // Never a refusal of the whole: the image itself is stored or deleted by now.
    static async Task ForVariantsAsync(IEnumerable<Task> calls)
    {
        try
        {
            await Task.WhenAll(calls);
        }
        catch (ImageStorageException e)
        {
            throw new ImageStorageException("A variant of the image failed.", e);
        }
    }
}
