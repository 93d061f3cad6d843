using System.Security.Cryptography;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Net.Http.Headers;
using Profiles.Infrastructure.Decoding;

namespace Profiles.Infrastructure.Images;

/// <summary>Serves local pictures at the seed's address, <c>/static/profile/&lt;user_id&gt;.jpg</c>, and their variants beside it.</summary>
static class LocalImageDelivery
{
    public static void MapLocalImages(this IEndpointRouteBuilder routes)
    {
        Map(routes, "/static/profile/{user_id:long:min(1)}.jpg", "GetImage", "Show a profile image", ServeAsync);
        Map(routes, "/static/profile/{user_id:long:min(1)}_{side:int:min(1)}.jpg", "GetImageVariant", "Show a square variant of a profile image", ServeVariantAsync);
    }

    static void Map(IEndpointRouteBuilder routes, string pattern, string name, string summary, Delegate serve) =>
        routes.MapGet(pattern, serve)
            .AllowAnonymous()
            .WithName(name)
            .WithSummary(summary)
            .WithDescription("Public. With the `v` of the profile's `image_url` the answer may be kept for ever; without it, it is checked by its `ETag`.")
            .WithTags("Images")
            .Produces(StatusCodes.Status200OK, contentType: "image/jpeg")
            .Produces(StatusCodes.Status304NotModified)
            .ProducesProblem(StatusCodes.Status404NotFound);

    static async Task<IResult> ServeAsync([FromRoute(Name = "user_id")] long userId, string? v, LocalImageStorage storage, HttpContext context, CancellationToken ct) =>
        await storage.ReadAsync(userId, v, ct) is { } jpeg ? Answer(jpeg, v == ProcessedImage.VersionOf(jpeg), context) : TypedResults.NotFound();

    static async Task<IResult> ServeVariantAsync([FromRoute(Name = "user_id")] long userId, int side, string? v, LocalImageStorage storage, HttpContext context, CancellationToken ct) =>
        await storage.ReadVariantAsync(userId, side, v, ct) is { } variant ? Answer(variant.Jpeg, v == variant.Version, context) : TypedResults.NotFound();

    static FileContentHttpResult Answer(byte[] jpeg, bool isVersion, HttpContext context)
    {
        var headers = context.Response.Headers;
        headers.CacheControl = isVersion ? "public, max-age=31536000, immutable" : "no-cache";
        headers.ContentSecurityPolicy = "default-src 'none'; sandbox";
        // Apps on other origins show it: that is what a public picture is for.
        headers["Cross-Origin-Resource-Policy"] = "cross-origin";
        return TypedResults.Bytes(jpeg, "image/jpeg", entityTag: new EntityTagHeaderValue($"\"{Convert.ToHexStringLower(SHA256.HashData(jpeg))[..32]}\""));
    }
}
