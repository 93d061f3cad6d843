using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;
using Profiles.Data;
using Profiles.Infrastructure.Decoding.Worker.Protocol;

namespace Profiles.Infrastructure.Images.Cloudinary;

/// <summary>Stores images at Cloudinary: in the folder <c>profile_images</c>, each under a fresh UUID, public.</summary>
sealed class CloudinaryImageStorage(CloudinaryClient cloudinary) : IImageStorage
{
    const string Folder = "profile_images";

    /// <summary>What Cloudinary's Admin API answers beyond the hourly limit.</summary>
    const HttpStatusCode AdminLimitExceeded = (HttpStatusCode)420;

    public OutboxStore Store => OutboxStore.Cloudinary;

    public bool SettlesUnderLock => false;

    /// <summary>A square cropped from the centre and not enlarged, which Cloudinary makes at the first request for it.</summary>
    public static string VariantUrl(string url, int side) => url.Replace(
        "/image/upload/",
        string.Create(CultureInfo.InvariantCulture, $"/image/upload/c_lfill,g_center,h_{side},w_{side}/"),
        StringComparison.Ordinal);

    public string KeyFor(ProcessedImage image) => $"{Folder}/{Guid.NewGuid()}";

    public async Task<string> SaveAsync(OutboxEntry entry, ProcessedImage image, CancellationToken ct) =>
        (await cloudinary.UploadAsync(Folder, entry.Key[(Folder.Length + 1)..], image.Jpeg, ct)).AbsoluteUri;

    // The address loads as soon as the image is uploaded.
    public Task PublishAsync(OutboxEntry entry) => Task.CompletedTask;

    public async Task<Settlement> SettleAsync(OutboxEntry entry, string? shown)
    {
        if (shown == entry.Key)
            return entry.State != OutboxState.Removing || await cloudinary.ExistsAsync(entry.Key, CancellationToken.None)
                ? Settlement.Done
                : Settlement.Lost;
        return await cloudinary.DestroyAsync(entry.Key, CancellationToken.None) || entry.State != OutboxState.Abandoned
            ? Settlement.Done
            : Settlement.Missing;
    }

    public async IAsyncEnumerable<StoredImage> ListAsync([EnumeratorCancellation] CancellationToken ct)
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
        catch (CloudinaryException e) when (e.Status is AdminLimitExceeded or HttpStatusCode.TooManyRequests)
        {
            // Beyond the hourly limit of the Admin API an account still accepts uploads.
        }
    }

    // At most as many bytes as were uploaded; older rows do not have the size.
    public Task<byte[]?> ReadAsync(long userId, ProfileImage image, int? side, CancellationToken ct) => cloudinary.LoadAsync(
        new(side is { } square ? VariantUrl(image.Url, square) : image.Url), Math.Max(image.Bytes, CloudinaryClient.MaxAnswerBytes), ct);

    // Only a call to Cloudinary would tell.
    public Task<bool> MayHaveAsync(long userId, ProfileImage image) => Task.FromResult(true);

    public IReadOnlyList<string[]> NamesOf(long userId, string key) => [[key]];
}
