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
/// Serves local pictures at the seed's address, <c>/static/profile/&lt;user_id&gt;.jpg</c>, and their variants beside it, to whoever was given the address with its <c>v</c>:
/// who counts through the numbers finds nobody, whether there is somebody or not.
/// </summary>
static class LocalImageDelivery
{
    public static void MapLocalImages(this IEndpointRouteBuilder routes)
    {
        Map(routes, "/static/profile/{user_id:long:min(1):canonical}.jpg", "GetImage", "Show a profile image",
            ([FromRoute(Name = "user_id")] long userId, string? v, [AsParameters] Services services) => ServeAsync(userId, null, v, services));
        Map(routes, "/static/profile/{user_id:long:min(1):canonical}_{side:int:min(1):canonical}.jpg", "GetImageVariant", "Show a square variant of a profile image",
            ([FromRoute(Name = "user_id")] long userId, int side, string? v, [AsParameters] Services services) => ServeAsync(userId, side, v, services));
    }

    static void Map(IEndpointRouteBuilder routes, string pattern, string name, string summary, Delegate serve) =>
        routes.MapGet(pattern, serve)
            .WithMetadata(new DescribedParameter("user_id", "The user's id."), new DescribedParameter("v", "The version in the profile's `image_url`."))
            .WithMetadata(new DescribedParameter("side", "The side of the square, in pixels.", s => ProcessedImage.Sides.ToList().ForEach(side => s.Enumeration.Add(side))))
            .AllowAnonymous()
            .ReadsDatabase()
            .WithName(name)
            .WithSummary(summary)
            .WithDescription("Public to whoever has the address: with the `v` of the profile's `image_url` the answer may be kept for ever, without it there is nothing here.")
            .WithTags("Images")
            .Produces(StatusCodes.Status200OK, contentType: "image/jpeg")
            .Produces(StatusCodes.Status304NotModified)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);

    // The row decides what an address stands for, and the file follows it: between the reads of the two another image may have taken the place.
    static async Task<IResult> ServeAsync(long userId, int? side, string? v, Services services)
    {
        ShownImage? before = null;
        while (true)
        {
            var image = await services.Db.FindImageAsync(userId, services.Ct);
            if (image is not { Key: { } key, Url: ['/', ..] url })
                return TypedResults.NotFound();
            var isRight = LocalImageStorage.IsVersionOf(url, v);
            if (!isRight && services.Options.Value.RequireVersion is true)
                return TypedResults.NotFound();
            var jpeg = await services.Storage.ReadAsync(userId, side, key, services.Ct);
            var hash = jpeg is null ? "" : Convert.ToHexStringLower(SHA256.HashData(jpeg));
            // The name of a variant's file says which image it is of.
            var isThisOne = jpeg is not null && (side is not null || hash.StartsWith(key, StringComparison.Ordinal));
            if (isThisOne || image == before)
                return jpeg is null ? TypedResults.NotFound() : Answer(jpeg, hash[..32], userId, isRight && isThisOne, services.Context.Response.Headers);
            before = image;
        }
    }

    // The tag is the content's, and the key for purging the user's number: neither tells the address.
    static FileContentHttpResult Answer(byte[] jpeg, string tag, long userId, bool isForEver, IHeaderDictionary headers)
    {
        headers.CacheControl = isForEver ? "public, max-age=31536000, immutable" : "no-cache";
        headers["Surrogate-Key"] = headers["Cache-Tag"] = FormattableString.Invariant($"image-{userId}");
        headers.ContentSecurityPolicy = "default-src 'none'; sandbox";
        // Apps on other origins show it: that is what a public picture is for.
        headers["Cross-Origin-Resource-Policy"] = "cross-origin";
        return TypedResults.Bytes(jpeg, "image/jpeg", entityTag: new EntityTagHeaderValue($"\"{tag}\""));
    }

    readonly record struct Services(ProfilesDbContext Db, LocalImageStorage Storage, IOptions<ImagesOptions> Options, HttpContext Context, CancellationToken Ct);
}
