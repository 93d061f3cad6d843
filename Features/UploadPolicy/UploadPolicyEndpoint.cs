using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Decoding;
using Profiles.Infrastructure.Decoding.Worker.Protocol;
using Profiles.Infrastructure.Images;

namespace Profiles.Features.UploadPolicy;

sealed class UploadPolicyEndpoint(IOptions<ImagesOptions> images, IOptions<DecodingOptions> decoding)
    : EndpointWithoutRequest<Ok<UploadPolicyResponse>>
{
    public override void Configure()
    {
        Get("/upload-policy");
        AllowAnonymous();
        Description(d => d.WithTags("Images"));
        Summary(s =>
        {
            s.Summary = "Show the limits of an image";
            s.Description = "Public, the same for everybody, and cacheable for an hour.";
            s.ResponseExamples[200] = new UploadPolicyResponse(ImageFormats.MediaTypes, 20971520, 100000000, 1024, ProcessedImage.Sides);
            s.Responses[200] = "The limits.";
        });
    }

    public override Task<Ok<UploadPolicyResponse>> ExecuteAsync(CancellationToken ct)
    {
        HttpContext.Response.Headers.CacheControl = "public, max-age=3600";
        return Task.FromResult(TypedResults.Ok(new UploadPolicyResponse(
            ImageFormats.MediaTypes, images.Value.MaxBytes, decoding.Value.MaxPixels, decoding.Value.MaxSide, ProcessedImage.Sides)));
    }
}
