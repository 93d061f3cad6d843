using System.IO.Compression;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Errors;
using KestrelServerOptions = Microsoft.AspNetCore.Server.Kestrel.Core.KestrelServerOptions;

namespace Profiles.Infrastructure.Http;

/// <summary>Decodes bodies sent with a <c>Content-Encoding</c> (RFC 9110, 8.4), within the same limits as other bodies.</summary>
static class ContentCodings
{
    const string Known = "gzip, deflate, br";

    /// <summary>Answers 415 with <c>Accept-Encoding</c> (RFC 9110, 15.5.16) to an unknown coding and to several codings.</summary>
    public static IApplicationBuilder UseContentCodings(this IApplicationBuilder app) =>
        app.Use((context, next) => context.Request.Headers.ContentEncoding.Count == 0 ? next(context) : DecodeAsync(context, next));

    static async Task DecodeAsync(HttpContext context, RequestDelegate next)
    {
        var (request, coding) = (context.Request, context.Request.Headers.ContentEncoding.ToString().Trim().ToLowerInvariant());
        if (coding is "" or "identity" || context.GetEndpoint()?.Metadata.GetMetadata<IAcceptsMetadata>() is null)
        {
            await next(context);
            return;
        }
        if (Decoder(coding, request.Body) is not { } decoder)
        {
            context.Response.Headers.AcceptEncoding = Known;
            await Problems.Of(ErrorCodes.UnsupportedContentEncoding).ExecuteAsync(context);
            return;
        }
        await using var decoded = decoder;
        // The server limits the encoded bytes; the decoded ones have the same limit, which the route sets.
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is not { } limit)
            context.Features.Set(limit = new BodyLimit { MaxRequestBodySize = Kestrel(context).Limits.MaxRequestBodySize });
        request.Body = new DecodedBody(decoded, limit);
        request.Headers.ContentEncoding = default;
        request.ContentLength = null;
        await next(context);
    }

    static KestrelServerOptions Kestrel(HttpContext context) =>
        context.RequestServices.GetRequiredService<IOptions<KestrelServerOptions>>().Value;

    static Stream? Decoder(string coding, Stream body) => coding switch
    {
        "gzip" or "x-gzip" => new GZipStream(body, CompressionMode.Decompress, leaveOpen: true),
        "deflate" => new ZLibStream(body, CompressionMode.Decompress, leaveOpen: true),
        "br" => new BrotliStream(body, CompressionMode.Decompress, leaveOpen: true),
        _ => null,
    };

    // For a server without a limit of its own, as in a test.
    sealed class BodyLimit : IHttpMaxRequestBodySizeFeature
    {
        public bool IsReadOnly => false;

        public long? MaxRequestBodySize { get; set; }
    }

    sealed class DecodedBody(Stream decoded, IHttpMaxRequestBodySizeFeature limit) : ReadOnlyStream
    {
        long length;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            try
            {
                var read = await decoded.ReadAsync(buffer, cancellationToken);
                length += read;
                return length <= (limit.MaxRequestBodySize ?? long.MaxValue) ? read
                    : throw new BadHttpRequestException("The decoded body is too large.", StatusCodes.Status413PayloadTooLarge);
            }
            catch (Exception e) when (e is InvalidDataException or InvalidOperationException)
            {
                throw new BadHttpRequestException("The body does not match its Content-Encoding.", e);
            }
        }
    }
}
