using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Images.Cloudinary;
using Profiles.Infrastructure.Images.S3;
using Profiles.Infrastructure.Telemetry;

namespace Profiles.Infrastructure.Images;

/// <summary>
/// Finds the storage of an existing image. New images go to the <see cref="IImageStorage"/> of the settings; older ones may be in
/// another, because the setting has changed since.
/// </summary>
sealed class ImageStorages(
    LocalImageStorage localImages, CloudinaryImageStorage cloudinaryImages, S3ImageStorage s3Images, IOptions<CloudinaryOptions> account,
    IOptions<S3Options> bucket, ServiceMetrics metrics)
{
    /// <summary>The stores that have images.</summary>
    public static readonly OutboxStore[] Stores = [OutboxStore.LocalImages, OutboxStore.Cloudinary, OutboxStore.S3];

    readonly IImageStorage local = new MeasuredStorage(localImages, metrics), cloudinary = new MeasuredStorage(cloudinaryImages, metrics),
        s3 = new MeasuredStorage(s3Images, metrics);

    /// <summary>The storages that are configured: Cloudinary only with an account, S3 only with a bucket.</summary>
    public IReadOnlyList<IImageStorage> All =>
    [
        local,
        .. string.IsNullOrEmpty(account.Value.Url) ? Array.Empty<IImageStorage>() : [cloudinary],
        .. bucket.Value.Bucket is null ? Array.Empty<IImageStorage>() : [s3],
    ];

    /// <summary>The storage of a setting; null when it is not configured.</summary>
    public IImageStorage? Configured(ImageStorageKind kind) => All.FirstOrDefault(s => s == Of(kind));

    /// <summary>The storage of a setting.</summary>
    public IImageStorage Of(ImageStorageKind kind) => kind switch
    {
        ImageStorageKind.Cloudinary => cloudinary,
        ImageStorageKind.S3 => s3,
        _ => local,
    };

    public IImageStorage Of(ProfileImage image) => Of(StoreOf(image));

    public IImageStorage Of(OutboxStore store) => store switch
    {
        OutboxStore.LocalImages => local,
        OutboxStore.S3 => s3,
        _ => cloudinary,
    };

    public static OutboxStore StoreOf(ProfileImage image) =>
        image.IsLocal ? OutboxStore.LocalImages : image.IsInS3 ? OutboxStore.S3 : OutboxStore.Cloudinary;
}
