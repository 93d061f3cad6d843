using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Profiles.Data;
using Profiles.Infrastructure.Editing;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Images;
using Profiles.Infrastructure.Limits;
using Profiles.Infrastructure.OpenApi;

namespace Profiles.Features.GetUser;

sealed class GetUserEndpoint(ProfilesDbContext db, ImageAddress address, ProfileTag tags)
    : EndpointWithoutRequest<Results<Ok<GetUserResponse>, StatusCodeHttpResult, ProblemHttpResult>, GetUserMapper>
{
    public override void Configure()
    {
        Get("/users/{username}");
        AllowAnonymous();
        Description(d => d.Produces(StatusCodes.Status304NotModified).ProducesProblem(StatusCodes.Status404NotFound)
            .LimitedTo(Limit.PublicProfiles).WithTags("Profile")
            .WithMetadata(new DescribedParameter("username", "Case-insensitive.", s => (s.MinLength, s.MaxLength, s.Pattern) =
                (UserProfile.UsernameMinLength, UserProfile.UsernameMaxLength, $"^{ProfileFormats.UsernamePattern}$"))));
        Summary(s =>
        {
            s.Summary = "Show a public profile";
            s.Description = "The public part of a profile whose owner has chosen a username and set `is_public`. "
                + "Answers an `ETag` for `If-None-Match`.";
            s.ResponseExamples[200] = new GetUserResponse(
                "John Doe", "john.doe", "Climbs things.", ImageDescription.Example.Url, ImageDescription.Example);
            s.Responses[200] = "The public part of the profile.";
            s.Responses[304] = "The profile still has this `ETag`.";
            s.Responses[404] = ErrorCodes.UserNotFound.Sentence;
        });
    }

    public override async Task<Results<Ok<GetUserResponse>, StatusCodeHttpResult, ProblemHttpResult>> ExecuteAsync(CancellationToken ct)
    {
        var username = Route<string>("username")!;
        // The query does not read hidden profiles: they answer and cost the same as a username that nobody has.
        if (!ProfileFormats.IsUsername(username)
            || await db.FindPublicProfileAsync(UserProfile.Normalize(username), ct) is not { } profile)
            return Problems.Of(ErrorCodes.UserNotFound);
        var shown = Map.FromEntity(profile) with { ImageUrl = address.Of(profile.Image), Image = address.Describe(profile.Image) };
        var tag = tags.OfPublic(shown);
        HttpContext.Response.GetTypedHeaders().ETag = tag;
        HttpContext.Response.Headers.CacheControl = "public, no-cache";
        return ProfileTag.IsKnown(HttpContext.Request, tag)
            ? TypedResults.StatusCode(StatusCodes.Status304NotModified)
            : TypedResults.Ok(shown);
    }
}
