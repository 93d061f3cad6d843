using System.Diagnostics;
using Profiles.Data;
using Profiles.Infrastructure.Decoding.Worker.Protocol;
using Profiles.Infrastructure.Telemetry;

namespace Profiles.Infrastructure.Images;

/// <summary>Takes the time of each call to a storage.</summary>
sealed class MeasuredStorage(IImageStorage inner, ServiceMetrics metrics) : IImageStorage
{
    public OutboxStore Store => inner.Store;

    public bool SettlesUnderLock => inner.SettlesUnderLock;

    public string KeyFor(ProcessedImage image) => inner.KeyFor(image);

    public Task<string> SaveAsync(OutboxEntry entry, ProcessedImage image, CancellationToken ct) =>
        metrics.StorageCall.TimeAsync(() => inner.SaveAsync(entry, image, ct), Labels("save"));

    public Task PublishAsync(OutboxEntry entry) =>
        metrics.StorageCall.TimeAsync(() => inner.PublishAsync(entry), Labels("publish"));

    public Task<Settlement> SettleAsync(OutboxEntry entry, string? shown) =>
        metrics.StorageCall.TimeAsync(() => inner.SettleAsync(entry, shown), Labels("settle"));

    public Task<byte[]?> ReadAsync(long userId, ProfileImage image, int? side, CancellationToken ct) =>
        metrics.StorageCall.TimeAsync(() => inner.ReadAsync(userId, image, side, ct), Labels("read"));

    public Task CheckAsync(CancellationToken ct) =>
        metrics.StorageCall.TimeAsync(() => inner.CheckAsync(ct), Labels("check"));

    public Task<bool> MayHaveAsync(long userId, ProfileImage image) =>
        metrics.StorageCall.TimeAsync(() => inner.MayHaveAsync(userId, image), Labels("find"));

    public IReadOnlyList<string[]> NamesOf(long userId, string key) => inner.NamesOf(userId, key);

    // A command reads the list at its own pace.
    public IAsyncEnumerable<StoredImage> ListAsync(CancellationToken ct) => inner.ListAsync(ct);

    TagList Labels(string operation) => new([new("storage", Words.Of(Store.ToString())), new("operation", operation)]);
}
