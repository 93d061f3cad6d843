using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Settings;
using Profiles.Infrastructure.Tokens;

namespace Profiles.Features.GetTokenConfiguration;

/// <summary>
/// What a verifier's library asks for by the name of OpenID Connect Discovery: the issuer, and where the keys and the introspection are.
/// Nobody is sent here to log in, so that no endpoint for it is named.
/// </summary>
sealed class GetTokenConfigurationEndpoint(AccessTokens tokens, IOptions<JwtOptions> jwt, IOptions<ServiceOptions> service)
    : EndpointWithoutRequest<Ok<GetTokenConfigurationResponse>>
{
    public override void Configure()
    {
        Get("/.well-known/openid-configuration");
        AllowAnonymous();
        // Read by libraries that know the standard; the API document is for apps.
        Description(d => d.ExcludeFromDescription());
    }

    public override Task<Ok<GetTokenConfigurationResponse>> ExecuteAsync(CancellationToken ct)
    {
        HttpContext.Response.Headers.CacheControl = FormattableString.Invariant($"public, max-age={KeyRing.MaxAge.TotalSeconds:F0}");
        // Only Development trusts the request's host; every other environment requires the setting.
        var address = service.Value.PublicBaseUrl ?? $"{HttpContext.Request.Scheme}://{HttpContext.Request.Host}";
        return Task.FromResult(TypedResults.Ok(new GetTokenConfigurationResponse(
            jwt.Value.Issuer, $"{address}/.well-known/jwks.json", $"{address}/token/introspect", ["client_secret_basic", "Bearer"],
            [], ["public"], [tokens.Algorithm])));
    }
}
