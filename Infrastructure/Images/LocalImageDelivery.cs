using System.Security.Cryptography;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Net.Http.Headers;

namespace Profiles.Infrastructure.Images;

/// <summary>Serves local pictures at the seed's address, <c>/static/profile/&lt;user_id&gt;.jpg</c>.</summary>
static class LocalImageDelivery
{
    public static void MapLocalImages(this IEndpointRouteBuilder routes) =>
        routes.MapGet("/static/profile/{user_id:long:min(1)}.jpg", ServeAsync)
            .AllowAnonymous()
            .WithName("GetImage")
            .WithSummary("Show a profile image")
            .WithDescription("Public. With the `v` of the profile's `image_url` the answer may be kept for ever; without it, it is checked by its `ETag`.")
            .WithTags("Images")
            .Produces(StatusCodes.Status200OK, contentType: "image/jpeg")
            .Produces(StatusCodes.Status304NotModified)
            .ProducesProblem(StatusCodes.Status404NotFound);

    static async Task<IResult> ServeAsync([FromRoute(Name = "user_id")] long userId, string? v, LocalImageStorage storage, HttpContext context, CancellationToken ct)
    {
        if (await storage.ReadAsync(userId, v, ct) is not { } jpeg)
            return TypedResults.NotFound();
        var version = Convert.ToHexStringLower(SHA256.HashData(jpeg));
        var headers = context.Response.Headers;
        headers.CacheControl = v == version[..8] ? "public, max-age=31536000, immutable" : "no-cache";
        headers.ContentSecurityPolicy = "default-src 'none'; sandbox";
        // Apps on other origins show it: that is what a public picture is for.
        headers["Cross-Origin-Resource-Policy"] = "cross-origin";
        return TypedResults.Bytes(jpeg, "image/jpeg", entityTag: new EntityTagHeaderValue($"\"{version[..32]}\""));
    }
}
