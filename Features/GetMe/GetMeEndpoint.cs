using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Profiles.Infrastructure.Editing;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Images;

namespace Profiles.Features.GetMe;

sealed class GetMeEndpoint(CurrentUser me, ImageAddress address, ProfileTag tags)
    : EndpointWithoutRequest<Results<Ok<GetMeResponse>, StatusCodeHttpResult>>
{
    public override void Configure()
    {
        Get("/me", "/users/me", "/user/profile");
        Description(d => d.Produces(StatusCodes.Status304NotModified).WithTags("Profile"));
        Summary(s =>
        {
            s.Summary = "Show my profile";
            s.Description = "Answers an `ETag`. Sent back as `If-None-Match`, it gets 304 without a body while the profile is unchanged.";
            s.ResponseExamples[200] = new GetMeResponse(ProfileDescription.Example);
            s.Responses[200] = "The profile.";
            s.Responses[304] = "The profile still has this `ETag`.";
        });
    }

    public override Task<Results<Ok<GetMeResponse>, StatusCodeHttpResult>> ExecuteAsync(CancellationToken ct)
    {
        var tag = tags.Of(me.User);
        HttpContext.Response.GetTypedHeaders().ETag = tag;
        HttpContext.Response.Headers.CacheControl = "private, no-cache";
        return Task.FromResult<Results<Ok<GetMeResponse>, StatusCodeHttpResult>>(ProfileTag.IsKnown(HttpContext.Request, tag)
            ? TypedResults.StatusCode(StatusCodes.Status304NotModified)
            : TypedResults.Ok(new GetMeResponse(ProfileDescription.Of(me.User, address))));
    }
}
