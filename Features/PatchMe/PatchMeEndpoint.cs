using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Profiles.Infrastructure.Editing;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Idempotency;
using Profiles.Infrastructure.Images;

namespace Profiles.Features.PatchMe;

sealed class PatchMeEndpoint(ProfileChange profile, CurrentUser me, ImageAddress address)
    : Endpoint<PatchMeRequest, Results<Ok<PatchMeResponse>, ProblemHttpResult>, PatchMeMapper>
{
    public override void Configure()
    {
        Patch("/me", "/users/me", "/user/profile");
        Description(d => d.Accepts<PatchMeRequest>(MediaType.MergePatch)
            .ProducesProblem(StatusCodes.Status403Forbidden).ProducesProblem(StatusCodes.Status409Conflict)
            .ProducesProblem(StatusCodes.Status412PreconditionFailed).ProducesProblem(StatusCodes.Status429TooManyRequests)
            .TakesIdempotencyKey().WithTags("Profile"));
        Summary(s =>
        {
            s.Summary = "Change or remove parts of my profile";
            s.Description = "A JSON Merge Patch (RFC 7396): null removes a field, absent fields stay, and `metadata` is merged member by "
                + "member. `{}` changes nothing. A new `email` needs `current_password` in the same body; where there is "
                + "no password, a login of the last ten minutes (401, `insufficient_user_authentication`, RFC 9470) in its place, and "
                + "where there is a second factor, both. "
                + "With `If-Match`, nothing changes unless the profile still has that `ETag`.";
            s.RequestExamples.Add(
                new(new { Username = "john.doe", Metadata = new { Theme = "dark", Draft = (string?)null }, IsPublic = true }));
            s.ResponseExamples[200] = new PatchMeResponse(ProfileDescription.Example);
            s.ResponseExamples[400] = Problem.Example(ErrorCodes.NameRequired, "name");
            s.ResponseExamples[409] = Problem.Example(ErrorCodes.UsernameTaken);
            s.ResponseExamples[412] = Problem.Example(ErrorCodes.ProfileChanged);
            s.Responses[200] = "Changed.";
            s.Responses[403] = "The current password is wrong";
            s.Responses[409] = "Username already taken, or Email already registered";
            s.Responses[412] = "The profile no longer has this `ETag`.";
            s.Responses[429] = "Too many changes of the e-mail address, or too many wrong passwords.";
        });
    }

    public override async Task<Results<Ok<PatchMeResponse>, ProblemHttpResult>> ExecuteAsync(PatchMeRequest req, CancellationToken ct) =>
        await profile.SaveAsync(HttpContext, req, user => Map.UpdateEntity(req, user), ct) is { } refusal
            ? refusal
            : TypedResults.Ok(new PatchMeResponse(ProfileDescription.Of(me.User, address)));
}
