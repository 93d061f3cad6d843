using Profiles.Data;
using Profiles.Infrastructure.Decoding.Worker.Protocol;

namespace Profiles.Infrastructure.Images;

/// <summary>
/// Stores one image for each user. The order of calls keeps the profile's image loadable whatever fails in between: an outbox entry
/// records what will be stored, then <see cref="SaveAsync"/>, then <see cref="PublishAsync"/> with the profile's row, then
/// <see cref="SettleAsync"/>.
/// </summary>
interface IImageStorage
{
    /// <summary>The image itself (null), and the sides of its variants.</summary>
    static IReadOnlyList<int?> Parts { get; } = [null, .. ProcessedImage.Sides];

    /// <summary>The store of its outbox entries.</summary>
    OutboxStore Store { get; }

    /// <summary>The key that will identify an image in this storage.</summary>
    string KeyFor(ProcessedImage image);

    /// <summary>
    /// Stores an image that no profile shows yet, and returns its <see cref="ProfileImage.Url"/>. Throws
    /// <see cref="ImageStorageException"/>.
    /// </summary>
    Task<string> SaveAsync(OutboxEntry entry, ProcessedImage image, CancellationToken ct);

    /// <summary>
    /// Makes a saved image's address load, beside the image that is shown. The caller holds the row lock and then changes the row. Throws
    /// <see cref="ImageStorageException"/>.
    /// </summary>
    Task PublishAsync(OutboxEntry entry);

    /// <summary>Makes the storage agree with the row. Idempotent; throws <see cref="ImageStorageException"/> for a retry.</summary>
    /// <param name="entry">The image that was stored or is to be deleted.</param>
    /// <param name="shown">The key of the image that the row names in this storage; null for none.</param>
    Task<Settlement> SettleAsync(OutboxEntry entry, string? shown);

    /// <summary>
    /// Whether <see cref="SettleAsync"/> must hold the row lock, because a user's images share file names. False for a storage across a
    /// network: a row lock must not wait for it.
    /// </summary>
    bool SettlesUnderLock { get; }

    /// <summary>
    /// Reads an image that a profile shows, or its variant of the given side; null when it is missing. Throws
    /// <see cref="ImageStorageException"/>.
    /// </summary>
    Task<byte[]?> ReadAsync(long userId, ProfileImage image, int? side, CancellationToken ct);

    /// <summary>Whether an image whose deletion failed may still exist.</summary>
    Task<bool> MayHaveAsync(long userId, ProfileImage image);

    /// <summary>Throws when no image can be stored now.</summary>
    Task CheckAsync(CancellationToken ct);

    /// <summary>
    /// The names by which <see cref="ListAsync"/> lists an image that a profile shows and, where they are stored, its variants: for each,
    /// the names that it may have.
    /// </summary>
    IReadOnlyList<string[]> NamesOf(long userId, string key);

    /// <summary>Lists all images of profiles, for <see cref="StoreCheck"/>.</summary>
    IAsyncEnumerable<StoredImage> ListAsync(CancellationToken ct);
}

/// <summary>The result of settling an outbox entry.</summary>
enum Settlement
{
    /// <summary>The storage agrees with the row.</summary>
    Done,

    /// <summary>The image is missing, but its upload may still be in progress.</summary>
    Missing,

    /// <summary>The image that the row names is gone: a deletion that seemed to have failed was carried out.</summary>
    Lost,
}

/// <summary>A file, an asset or an object as a storage lists it.</summary>
/// <param name="Name">The file name, the public id, or the name of the object.</param>
/// <param name="Bytes">The size.</param>
/// <param name="Written">When it was written, UTC.</param>
/// <param name="Read">Reads the content; null for a storage across a network.</param>
sealed record StoredImage(string Name, long Bytes, DateTime Written, Func<CancellationToken, Task<byte[]>>? Read);

/// <summary>The storage failed; the message is for the log.</summary>
/// <param name="message">For the log.</param>
/// <param name="inner">The cause.</param>
/// <param name="refused">Whether the storage itself refused, so that nothing was changed. Otherwise the change may have been made.</param>
class ImageStorageException(string message, Exception? inner = null, bool refused = false) : Exception(message, inner)
{
    /// <summary>Whether it is certain that nothing was changed.</summary>
    public bool Refused { get; } = refused;
}
