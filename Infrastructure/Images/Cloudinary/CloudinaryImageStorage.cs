using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;
using Profiles.Data;
using Profiles.Infrastructure.Decoding.Worker.Protocol;

namespace Profiles.Infrastructure.Images.Cloudinary;

/// <summary>Keeps images at Cloudinary (seed 002): folder <c>profile_images</c>, each under a fresh UUID, public.</summary>
sealed class CloudinaryImageStorage(CloudinaryClient cloudinary) : IImageStorage
{
    const string Folder = "profile_images";

    /// <summary>What its API for whoever runs an account answers beyond the requests of an hour.</summary>
    const HttpStatusCode AskedTooOften = (HttpStatusCode)420;

    public OutboxStore Store => OutboxStore.Cloudinary;

    public bool SettlesUnderLock => false;

    /// <summary>A square cut out of the middle and not enlarged, which Cloudinary makes when it is first asked for.</summary>
    public static string VariantUrl(string url, int side) =>
        url.Replace("/image/upload/", string.Create(CultureInfo.InvariantCulture, $"/image/upload/c_lfill,g_center,h_{side},w_{side}/"), StringComparison.Ordinal);

    public string KeyFor(ProcessedImage image) => $"{Folder}/{Guid.NewGuid()}";

    public async Task<string> SaveAsync(OutboxEntry entry, ProcessedImage image, CancellationToken ct) =>
        (await cloudinary.UploadAsync(Folder, entry.Key[(Folder.Length + 1)..], image.Jpeg, ct)).AbsoluteUri;

    // Its address loads as soon as it is uploaded.
    public Task PublishAsync(OutboxEntry entry) => Task.CompletedTask;

    public async Task<Settlement> SettleAsync(OutboxEntry entry, string? shown)
    {
        if (shown == entry.Key)
            return entry.State != OutboxState.Removing || await cloudinary.ExistsAsync(entry.Key, CancellationToken.None) ? Settlement.Done : Settlement.Lost;
        // Gone before is gone.
        return await cloudinary.DestroyAsync(entry.Key, CancellationToken.None) || entry.State != OutboxState.Abandoned ? Settlement.Done : Settlement.NotThere;
    }

    public async IAsyncEnumerable<KeptImage> ListAsync([EnumeratorCancellation] CancellationToken ct)
    {
        string? next = null;
        do
        {
            var page = await cloudinary.ListAsync($"{Folder}/", next, ct);
            foreach (var asset in page.Resources)
                yield return new(asset.PublicId, asset.Bytes, asset.CreatedAt.UtcDateTime, null);
            next = page.NextCursor;
        }
        while (next is not null);
    }

    public async Task CheckAsync(CancellationToken ct)
    {
        try
        {
            await cloudinary.PingAsync(ct);
        }
        catch (CloudinaryException e) when (e.Status is AskedTooOften or HttpStatusCode.TooManyRequests)
        {
            // An account that has asked too often in this hour takes uploads all the same.
        }
    }

    // What was uploaded, and no more than that; of older images the size is not known.
    public Task<byte[]?> ReadAsync(long userId, ProfileImage image, CancellationToken ct) =>
        cloudinary.LoadAsync(new(image.Url), Math.Max(image.Bytes, CloudinaryClient.MaxAnswerBytes), ct);

    // Only a call would tell.
    public bool MayHave(long userId, ProfileImage image) => true;
}
