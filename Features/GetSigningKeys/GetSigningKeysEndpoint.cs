using System.Net.Mime;
using System.Security.Cryptography;
using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Net.Http.Headers;
using Profiles.Infrastructure.Tokens;

namespace Profiles.Features.GetSigningKeys;

/// <summary>The public keys with which other services verify access tokens, as a JSON Web Key Set (RFC 7517; docs/tokens.md).</summary>
sealed class GetSigningKeysEndpoint(KeyRing ring) : EndpointWithoutRequest<FileContentHttpResult>
{
    public override void Configure()
    {
        Get("/.well-known/jwks.json");
        AllowAnonymous();
        // Read by libraries that know the standard; the API document is for apps.
        Description(d => d.ExcludeFromDescription());
    }

    public override Task<FileContentHttpResult> ExecuteAsync(CancellationToken ct)
    {
        var keys = ring.Keys.Published;
        HttpContext.Response.Headers.CacheControl = FormattableString.Invariant($"public, max-age={KeyRing.MaxAge.TotalSeconds:F0}");
        // Answers 304 to If-None-Match.
        var tag = new EntityTagHeaderValue($"\"{Convert.ToHexStringLower(SHA256.HashData(keys).AsSpan(..16))}\"");
        return Task.FromResult(TypedResults.Bytes(keys, MediaTypeNames.Application.Json, entityTag: tag));
    }
}
