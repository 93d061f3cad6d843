using Profiles.Data;
using Profiles.Infrastructure.Decoding.Worker.Protocol;

namespace Profiles.Infrastructure.Images;

/// <summary>
/// Keeps one image for each user. It is called so that whatever fails in between, the profile shows an image that loads: an outbox entry records
/// what is to be stored, then <see cref="SaveAsync"/>, then <see cref="PublishAsync"/> with the profile's row, then <see cref="SettleAsync"/>.
/// </summary>
interface IImageStorage
{
    /// <summary>What the outbox calls it.</summary>
    OutboxStore Store { get; }

    /// <summary>What a picture will be known by.</summary>
    string KeyFor(ProcessedImage image);

    /// <summary>Stores a picture where no profile shows it yet and answers its address: absolute, or from <c>/</c> on when this service serves it. Throws <see cref="ImageStorageException"/>.</summary>
    Task<string> SaveAsync(OutboxEntry entry, ProcessedImage image, CancellationToken ct);

    /// <summary>Makes a saved picture's address load, beside the one that is shown; the row is locked and names it at the next moment. Throws <see cref="ImageStorageException"/>.</summary>
    Task PublishAsync(OutboxEntry entry);

    /// <summary>Makes the storage agree with the row, however often it is called; what it cannot end it leaves to be tried again. Throws <see cref="ImageStorageException"/>.</summary>
    /// <param name="entry">The picture that was put up or is to go.</param>
    /// <param name="shown">The key of the picture that the row names in this storage; null for none.</param>
    Task<Settlement> SettleAsync(OutboxEntry entry, string? shown);

    /// <summary>Whether <see cref="SettleAsync"/> works on names that pictures of a user have in turn, so that the row must stay locked meanwhile. False for a storage across a network, for which no lock may wait.</summary>
    bool SettlesUnderLock { get; }

    /// <summary>The bytes of an image that a profile shows; null when they are gone. Throws <see cref="ImageStorageException"/>.</summary>
    Task<byte[]?> ReadAsync(long userId, ProfileImage image, CancellationToken ct);

    /// <summary>Whether an image whose removal failed may still be there.</summary>
    bool MayHave(long userId, ProfileImage image);

    /// <summary>Throws when nothing can be stored now.</summary>
    Task CheckAsync(CancellationToken ct);

    /// <summary>Everything that it keeps of profiles, for <see cref="StoreCheck"/>.</summary>
    IAsyncEnumerable<KeptImage> ListAsync(CancellationToken ct);
}

/// <summary>What settling an entry of the outbox came to.</summary>
enum Settlement
{
    /// <summary>The storage agrees with the row.</summary>
    Done,

    /// <summary>A picture whose storing may not have ended is not there (yet).</summary>
    NotThere,

    /// <summary>The picture that the row names is gone: a removal that was believed to have failed was carried out.</summary>
    Lost,
}

/// <summary>A file or an asset as a storage lists it.</summary>
/// <param name="Name">What it is called there.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Written">When, UTC.</param>
/// <param name="Read">Its content, where it is at hand.</param>
sealed record KeptImage(string Name, long Bytes, DateTime Written, Func<CancellationToken, Task<byte[]>>? Read);

/// <summary>The storage failed; the message is for the log.</summary>
/// <param name="message">For the log.</param>
/// <param name="inner">What it failed by.</param>
/// <param name="refused">Whether the storage itself said so: then nothing was done. Otherwise it may have been.</param>
class ImageStorageException(string message, Exception? inner = null, bool refused = false) : Exception(message, inner)
{
    /// <summary>Whether nothing was done, for certain.</summary>
    public bool Refused { get; } = refused;
}
