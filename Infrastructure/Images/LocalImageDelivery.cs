using System.Security.Cryptography;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;
using Profiles.Data;
using Profiles.Infrastructure.Database;
using Profiles.Infrastructure.Decoding.Worker.Protocol;
using Profiles.Infrastructure.OpenApi;

namespace Profiles.Infrastructure.Images;

/// <summary>
/// Serves local images at <c>/static/profile/&lt;user_id&gt;.jpg</c>, and their variants beside it, to anyone who has the address with its
/// <c>v</c>. Counting through the numbers finds nobody.
/// </summary>
static class LocalImageDelivery
{
    public static void MapLocalImages(this IEndpointRouteBuilder routes)
    {
        Map(
            routes,
            "/static/profile/{user_id:long:min(1):canonical}.jpg",
            "GetImage",
            "Show a profile image",
            ([FromRoute(Name = "user_id")] long userId, string? v, [AsParameters] Services services) =>
                ServeAsync(userId, null, v, services));
        Map(
            routes,
            "/static/profile/{user_id:long:min(1):canonical}_{side:int:min(1):canonical}.jpg",
            "GetImageVariant",
            "Show a square variant of a profile image",
            ([FromRoute(Name = "user_id")] long userId, int side, string? v, [AsParameters] Services services) =>
                ServeAsync(userId, side, v, services));
    }

    static void Map(IEndpointRouteBuilder routes, string pattern, string name, string summary, Delegate serve) =>
        routes.MapGet(pattern, serve)
            .WithMetadata(
                new DescribedParameter("user_id", "The user's id."),
                new DescribedParameter("v", "The version in the profile's `image_url`."),
                new DescribedParameter(
                    "side",
                    "The side of the square, in pixels.",
                    s => ProcessedImage.Sides.ToList().ForEach(side => s.Enumeration.Add(side))))
            .AllowAnonymous()
            .ReadsDatabase()
            .WithName(name)
            .WithSummary(summary)
            .WithDescription(
                "Public to anyone who has the address: with the `v` of the profile's `image_url` the answer may be cached for ever, "
                    + "without it the answer is 404.")
            .WithTags("Images")
            .Produces(StatusCodes.Status200OK, contentType: "image/jpeg")
            .Produces(StatusCodes.Status304NotModified)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);

    // The row decides which image an address stands for, and the file follows it: another upload may come between reading the two.
    static async Task<IResult> ServeAsync(long userId, int? side, string? v, Services services)
    {
        ImageReference? previous = null;
        while (true)
        {
            var image = await services.Db.FindImageAsync(userId, services.Ct);
            if (image is not { Key: { } key, Url: ['/', ..] url })
                return TypedResults.NotFound();
            var isCurrentVersion = LocalImageStorage.IsVersionOf(url, v);
            if (!isCurrentVersion && services.Options.Value.RequireVersion is true)
                return TypedResults.NotFound();
            var jpeg = await services.Storage.ReadAsync(userId, side, key, services.Ct);
            var hash = jpeg is null ? "" : Convert.ToHexStringLower(SHA256.HashData(jpeg));
            // A variant's file name contains the image's key.
            var isRowsImage = jpeg is not null && (side is not null || hash.StartsWith(key, StringComparison.Ordinal));
            if (isRowsImage || image == previous)
                return jpeg is null
                    ? TypedResults.NotFound()
                    : Answer(jpeg, hash[..32], userId, isCurrentVersion && isRowsImage, services.Context.Response.Headers);
            previous = image;
        }
    }

    // The tag is a hash of the content, and the key for purging has the user's number: neither reveals the address.
    static FileContentHttpResult Answer(byte[] jpeg, string tag, long userId, bool isImmutable, IHeaderDictionary headers)
    {
        headers.CacheControl = isImmutable ? "public, max-age=31536000, immutable" : "no-cache";
        headers["Surrogate-Key"] = headers["Cache-Tag"] = FormattableString.Invariant($"image-{userId}");
        headers.ContentSecurityPolicy = "default-src 'none'; sandbox";
        // Web apps on other origins may show a public image.
        headers["Cross-Origin-Resource-Policy"] = "cross-origin";
        return TypedResults.Bytes(jpeg, "image/jpeg", entityTag: new EntityTagHeaderValue($"\"{tag}\""));
    }

    readonly record struct Services(
        ProfilesDbContext Db, LocalImageStorage Storage, IOptions<ImagesOptions> Options, HttpContext Context, CancellationToken Ct);
}
