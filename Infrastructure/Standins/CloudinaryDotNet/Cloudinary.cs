using CloudinaryDotNet.Actions;

namespace CloudinaryDotNet;

/// <summary>Cloudinary's upload API, as far as profile images need it.</summary>
public class Cloudinary(string cloudinaryUrl)
{
    public Api Api { get; } = new(cloudinaryUrl);

    /// <summary>Stores an image. A refusal fills Error; an answer that is not JSON throws. With a token given, Api.Timeout is not looked at.</summary>
    public Task<ImageUploadResult> UploadAsync(ImageUploadParams parameters, CancellationToken? cancellationToken = null) =>
        Api.CallAsync<ImageUploadResult>("upload", parameters, cancellationToken);

    /// <summary>Removes an image: Result is "ok" or "not found". Api.Timeout is its only deadline.</summary>
    public Task<DeletionResult> DestroyAsync(DeletionParams parameters) =>
        Api.CallAsync<DeletionResult>("destroy", parameters, null);

    /// <summary>Says what is known of an image, by its whole public id; 404 when there is none.</summary>
    public Task<GetResourceResult> GetResourceAsync(string publicId, CancellationToken? cancellationToken = null) =>
        Api.CallAdminAsync<GetResourceResult>($"resources/image/upload/{publicId}", [], cancellationToken);

    /// <summary>Asks whether the API answers and takes the key.</summary>
    public Task<PingResult> PingAsync(CancellationToken? cancellationToken = null) => Api.CallAdminAsync<PingResult>("ping", [], cancellationToken);

    /// <summary>Lists what is stored, a page at a time.</summary>
    public Task<ListResourcesResult> ListResourcesAsync(ListResourcesParams parameters, CancellationToken? cancellationToken = null) =>
        Api.CallAdminAsync<ListResourcesResult>($"resources/image/{parameters.Type}", parameters.ToParamsDictionary(), cancellationToken);
}
