namespace Profiles.Infrastructure.Images;

/// <summary>What a storage made of a picture.</summary>
/// <param name="Key">What the storage knows it by.</param>
/// <param name="Url">Where it is: absolute, or from <c>/</c> on when this service serves it.</param>
sealed record StoredImage(string Key, string Url);

/// <summary>
/// Keeps one picture for each user. A picture is replaced in three steps, so that whatever fails in between, the profile shows a picture that loads:
/// <see cref="SaveAsync"/> beside the old one, the profile's row, then <see cref="ReplaceAsync"/>.
/// </summary>
interface IImageStorage
{
    /// <summary>Stores a picture beside the one that is shown. Throws <see cref="ImageStorageException"/>.</summary>
    Task<StoredImage> SaveAsync(long userId, ProcessedImage image, CancellationToken ct);

    /// <summary>The profile shows <paramref name="current"/> now: what is left of <paramref name="previous"/> goes. A failure is logged; the profile is right already.</summary>
    Task ReplaceAsync(long userId, string current, string? previous);

    /// <summary>The profile was not changed after all: the picture just saved goes, the one that is shown stays. A failure is logged.</summary>
    Task DiscardAsync(long userId, string saved);

    /// <summary>Removes the picture that was shown. Throws <see cref="ImageStorageException"/>.</summary>
    Task DeleteAsync(long userId, string key);

    /// <summary>Throws when nothing can be stored now.</summary>
    Task CheckAsync(CancellationToken ct);
}

/// <summary>The storage failed; the message is for the log.</summary>
sealed class ImageStorageException(string message, Exception? inner = null) : Exception(message, inner);
