using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Decoding;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Idempotency;
using Profiles.Infrastructure.Images;
using Profiles.Infrastructure.Limits;
using Profiles.Infrastructure.OpenApi;

namespace Profiles.Features.UploadImage;

sealed class UploadImageEndpoint(ProfileImages images, CurrentUser me, IOptions<ImagesOptions> options)
    : EndpointWithoutRequest<Results<Ok<UploadImageResponse>, ProblemHttpResult>>
{
    public override void Configure()
    {
        Post("/me/upload-image", "/users/me/profile-image", "/user/profile/photo");
        AllowFileUploads(dontAutoBindFormData: true);
        MaxRequestBodySize(options.Value.MaxBytes + UploadImageForm.Overhead);
        Description(d => d.Accepts<UploadImageRequest>("multipart/form-data").WithTags("Images")
            .LimitedAtOnce(AtOnce.Uploads).LimitedTo(Limit.Uploads).ArrivesWithin(options.Value.UploadTimeout)
            .TakesIdempotencyKey(options.Value.MaxBytes + UploadImageForm.Overhead).ProducesProblem(400).ProducesProblem(413).ProducesProblem(507).WithMetadata(new LargestFile(options.Value.MaxBytes)));
        Summary(s =>
        {
            s.Summary = "Put up my profile image";
            s.Description = "One file part named `image`, `file` or `photo`: JPEG, PNG, WebP, GIF (first frame), HEIC or AVIF, straight from a camera. "
                + "It is stored upright, without metadata, as an sRGB JPEG. The image that was there is replaced.";
            s.ResponseExamples[200] = new UploadImageResponse("Upload successful", ImageDescription.Example.Url, ImageDescription.Example);
            s.ResponseExamples[413] = Problem.Example(ErrorCodes.ImageTooLarge, sentence: $"A picture has at most {options.Value.MaxBytes} bytes.") with { MaxBytes = options.Value.MaxBytes };
            s.Responses[200] = "Stored and shown.";
            s.Responses[400] = "Invalid file format";
            s.Responses[500] = "Error uploading image";
        });
    }

    public override async Task<Results<Ok<UploadImageResponse>, ProblemHttpResult>> ExecuteAsync(CancellationToken ct)
    {
        using var picture = images.Receive();
        if (await UploadImageForm.ReadAsync(HttpContext.Request, picture, options.Value.MaxBytes, ct) is { } refused)
            return refused;
        try
        {
            var image = await images.PutUpAsync(me.Id, picture, ct);
            return TypedResults.Ok(new UploadImageResponse("Upload successful", image.Url, image));
        }
        catch (ImageRefusedException e)
        {
            Logger.LogDebug(e, "A picture was refused.");
            return Problems.Of(e.Error, e.Message, e.Limit);
        }
        catch (ImageStorageException e)
        {
            Logger.LogError(e, "A picture could not be stored.");
            return Problems.Of(ErrorCodes.ImageUploadFailed);
        }
    }
}
