using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Images.Cloudinary;
using Profiles.Infrastructure.Telemetry;

namespace Profiles.Infrastructure.Images;

/// <summary>
/// Finds the storage of an existing image. New images go to the <see cref="IImageStorage"/> of the settings; older ones may be in the
/// other, because the setting has changed since.
/// </summary>
sealed class ImageStorages(
    LocalImageStorage localImages, CloudinaryImageStorage cloudinaryImages, IOptions<CloudinaryOptions> account, ServiceMetrics metrics)
{
    readonly IImageStorage local = new MeasuredStorage(localImages, metrics), cloudinary = new MeasuredStorage(cloudinaryImages, metrics);

    /// <summary>The storages that are configured: Cloudinary only with an account.</summary>
    public IReadOnlyList<IImageStorage> All => string.IsNullOrEmpty(account.Value.Url) ? [local] : [local, cloudinary];

    public IImageStorage Of(ProfileImage image) => Of(StoreOf(image));

    public IImageStorage Of(OutboxStore store) => store == OutboxStore.LocalImages ? local : cloudinary;

    public static OutboxStore StoreOf(ProfileImage image) => image.IsLocal ? OutboxStore.LocalImages : OutboxStore.Cloudinary;
}
