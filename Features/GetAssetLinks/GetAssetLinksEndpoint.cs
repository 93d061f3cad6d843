using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Passkeys;

namespace Profiles.Features.GetAssetLinks;

sealed record GetAssetLinksEntry(IReadOnlyList<string> Relation, GetAssetLinksTarget Target);

sealed record GetAssetLinksTarget(string Namespace, string PackageName, IReadOnlyList<string> Sha256CertFingerprints);

/// <summary>The Android apps that may use the domain's passkeys (Digital Asset Links).</summary>
sealed class GetAssetLinksEndpoint(IOptions<PasskeysOptions> options)
    : EndpointWithoutRequest<Results<Ok<GetAssetLinksEntry[]>, ProblemHttpResult>>
{
    public override void Configure()
    {
        Get("/.well-known/assetlinks.json");
        AllowAnonymous();
        // Read by phones; the API document is for apps.
        Description(d => d.ExcludeFromDescription());
    }

    public override Task<Results<Ok<GetAssetLinksEntry[]>, ProblemHttpResult>> ExecuteAsync(CancellationToken ct)
    {
        var links = options.Value.AndroidAppList.Select(app => new GetAssetLinksEntry(
            ["delegate_permission/common.get_login_creds"],
            new("android_app", app.Package, [.. app.Fingerprints.Select(f => f.ToUpperInvariant())]))).ToArray();
        if (links.Length == 0)
            return Task.FromResult<Results<Ok<GetAssetLinksEntry[]>, ProblemHttpResult>>(Problems.Of(ErrorCodes.NotFound));
        HttpContext.Response.Headers.CacheControl = PasskeysOptions.Caching;
        return Task.FromResult<Results<Ok<GetAssetLinksEntry[]>, ProblemHttpResult>>(TypedResults.Ok(links));
    }
}
