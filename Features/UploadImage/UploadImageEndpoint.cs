using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Decoding;
using Profiles.Infrastructure.Decoding.Worker.Protocol;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Idempotency;
using Profiles.Infrastructure.Images;
using Profiles.Infrastructure.Limits;
using Profiles.Infrastructure.OpenApi;

namespace Profiles.Features.UploadImage;

sealed class UploadImageEndpoint(
    CurrentUser me, DecodePool decoders, IImageStorage storage, ImageReplacement images, ImageAddress address,
    IOptions<ImagesOptions> options, TimeProvider clock) : EndpointWithoutRequest<Results<Ok<UploadImageResponse>, ProblemHttpResult>>
{
    public override void Configure()
    {
        Post("/me/upload-image", "/users/me/profile-image", "/user/profile/photo");
        AllowFileUploads(dontAutoBindFormData: true);
        MaxRequestBodySize(options.Value.MaxBytes + UploadImageForm.Overhead);
        Description(d => d.Accepts<UploadImageRequest>("multipart/form-data").WithTags("Images")
            .ConcurrencyLimitedTo(ConcurrencyLimit.Uploads).LimitedTo(Limit.Uploads).ArrivesWithin(options.Value.UploadTimeout)
            .TakesIdempotencyKey(options.Value.MaxBytes + UploadImageForm.Overhead)
            .ProducesProblem(400).ProducesProblem(413).ProducesProblem(507).WithMetadata(new LargestFile(options.Value.MaxBytes)));
        Summary(s =>
        {
            s.Summary = "Upload my profile image";
            s.Description = "One file part named `image`, `file` or `photo`: JPEG, PNG, WebP, GIF (first frame), HEIC or AVIF, as cameras "
                + "write them. It is stored upright, without metadata, as an sRGB JPEG, and replaces the previous image.";
            s.ResponseExamples[200] = new UploadImageResponse("Upload successful", ImageDescription.Example.Url, ImageDescription.Example);
            var tooLarge = Problem.Example(
                ErrorCodes.ImageTooLarge, sentence: $"A picture has at most {options.Value.MaxBytes} bytes.");
            s.ResponseExamples[413] = tooLarge with { MaxBytes = options.Value.MaxBytes };
            s.Responses[200] = "Stored and shown.";
            s.Responses[400] = "Invalid file format";
            s.Responses[500] = "Error uploading image";
        });
    }

    public override async Task<Results<Ok<UploadImageResponse>, ProblemHttpResult>> ExecuteAsync(CancellationToken ct)
    {
        using var upload = decoders.Receive();
        if (await UploadImageForm.ReadAsync(HttpContext.Request, upload, options.Value.MaxBytes, ct) is { } refused)
            return refused;
        try
        {
            var processed = await decoders.ProcessAsync(upload, ct);
            // Frees its memory for uploads that are still arriving.
            upload.Dispose();
            var image = address.Describe(await StoreAsync(processed, ct))!;
            return TypedResults.Ok(new UploadImageResponse("Upload successful", image.Url, image));
        }
        catch (ImageRefusedException e)
        {
            Logger.LogDebug(e, "An image was refused.");
            return Problems.Of(e.Error, e.Message, e.Limit);
        }
        catch (ImageStorageException e)
        {
            Logger.LogError(e, "Storing an image failed; the profile keeps its previous image.");
            return Problems.Of(ErrorCodes.ImageUploadFailed);
        }
    }

    Task<ProfileImage> StoreAsync(ProcessedImage processed, CancellationToken ct) => images.ReplaceAsync(
        me.Id, processed, storage,
        (_, key, url) => UploadImageMapper.ToImage(processed, key, url, ProfilesDbContext.ToStored(clock.GetUtcNow().UtcDateTime)), ct);
}
