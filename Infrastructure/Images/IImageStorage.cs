using Profiles.Infrastructure.Decoding;

namespace Profiles.Infrastructure.Images;

/// <summary>What a storage made of a picture.</summary>
/// <param name="Key">What the storage knows it by.</param>
/// <param name="Url">Where it is: absolute, or from <c>/</c> on when this service serves it.</param>
/// <param name="TemporaryFile">Where it is kept until it is published; null when it needs no publishing.</param>
sealed record StoredImage(string Key, string Url, string? TemporaryFile = null)
{
    /// <summary>Whether it is in the directory of local pictures; the setting may have changed since.</summary>
    public bool IsLocal => Url is ['/', ..];
}

/// <summary>
/// Keeps one picture for each user. <see cref="ProfileImages"/> calls it so that whatever fails in between, the profile shows a picture that loads:
/// <see cref="SaveAsync"/>, then <see cref="PublishAsync"/> with the profile's row, then <see cref="SettleAsync"/>.
/// </summary>
interface IImageStorage
{
    /// <summary>Stores a picture where nobody sees it yet. Throws <see cref="ImageStorageException"/>.</summary>
    Task<StoredImage> SaveAsync(long userId, ProcessedImage image, CancellationToken ct);

    /// <summary>Makes a saved picture's address load, beside the one that is shown; the row is locked and names it at the next moment. Throws <see cref="ImageStorageException"/>.</summary>
    Task PublishAsync(long userId, StoredImage saved);

    /// <summary>The row is locked and ceases to name a picture at the next moment: puts it where <see cref="SettleAsync"/> finds it after a crash; its address still loads. Throws <see cref="ImageStorageException"/>.</summary>
    Task WithdrawAsync(long userId, StoredImage shown);

    /// <summary>The row names <paramref name="shown"/> and not <paramref name="gone"/>: makes the storage agree, however often it is called. Throws <see cref="ImageStorageException"/>.</summary>
    /// <param name="userId">Whose picture.</param>
    /// <param name="gone">A picture that is to go, wherever it got to; null when there was none.</param>
    /// <param name="shown">The key of the picture that this storage has to keep; null for none.</param>
    Task SettleAsync(long userId, StoredImage? gone, string? shown);

    /// <summary>Throws when nothing can be stored now.</summary>
    Task CheckAsync(CancellationToken ct);
}

/// <summary>The storage failed; the message is for the log.</summary>
sealed class ImageStorageException(string message, Exception? inner = null) : Exception(message, inner);
