using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Passkeys;

namespace Profiles.Features.GetAppleAppSite;

sealed record GetAppleAppSiteResponse(GetAppleAppSiteApps Webcredentials);

sealed record GetAppleAppSiteApps(IReadOnlyList<string> Apps);

/// <summary>The apps on Apple's systems that may use the domain's passkeys (Associated Domains).</summary>
sealed class GetAppleAppSiteEndpoint(IOptions<PasskeysOptions> options)
    : EndpointWithoutRequest<Results<Ok<GetAppleAppSiteResponse>, ProblemHttpResult>>
{
    public override void Configure()
    {
        Get("/.well-known/apple-app-site-association");
        AllowAnonymous();
        // Read by Apple's servers; the API document is for apps.
        Description(d => d.ExcludeFromDescription());
    }

    public override Task<Results<Ok<GetAppleAppSiteResponse>, ProblemHttpResult>> ExecuteAsync(CancellationToken ct)
    {
        var apps = options.Value.AppleApps;
        if (apps.Count == 0)
            return Task.FromResult<Results<Ok<GetAppleAppSiteResponse>, ProblemHttpResult>>(Problems.Of(ErrorCodes.NotFound));
        HttpContext.Response.Headers.CacheControl = PasskeysOptions.Caching;
        return Task.FromResult<Results<Ok<GetAppleAppSiteResponse>, ProblemHttpResult>>(
            TypedResults.Ok(new GetAppleAppSiteResponse(new(apps))));
    }
}
