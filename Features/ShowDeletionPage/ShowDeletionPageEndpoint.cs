using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Profiles.Infrastructure.Pages;

namespace Profiles.Features.ShowDeletionPage;

sealed class ShowDeletionPageEndpoint : EndpointWithoutRequest<ContentHttpResult>
{
    public override void Configure()
    {
        Get(DeletionPage.Path);
        AllowAnonymous();
        // The page is for people, the API document for apps.
        Description(d => d.ExcludeFromDescription());
    }

    public override Task<ContentHttpResult> ExecuteAsync(CancellationToken ct) => Task.FromResult(DeletionPage.Form(HttpContext));
}
