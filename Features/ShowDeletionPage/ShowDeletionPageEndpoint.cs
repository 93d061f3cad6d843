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
        // For people; the document is for apps.
        Description(d => d.ExcludeFromDescription());
    }

    public override Task<ContentHttpResult> ExecuteAsync(CancellationToken ct) => Task.FromResult(DeletionPage.Form(HttpContext));
}
