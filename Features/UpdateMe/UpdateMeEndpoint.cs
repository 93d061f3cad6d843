using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Profiles.Infrastructure.Editing;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Idempotency;
using Profiles.Infrastructure.Images;

namespace Profiles.Features.UpdateMe;

sealed class UpdateMeEndpoint(ProfileChange profile, CurrentUser me, ImageAddress address)
    : Endpoint<UpdateMeRequest, Results<Ok<UpdateMeResponse>, ProblemHttpResult>, UpdateMeMapper>
{
    const string Done = "Profile updated successfully";

    public override void Configure()
    {
        Put("/me", "/users/me", "/user/profile");
        Description(d => d.ProducesProblem(StatusCodes.Status403Forbidden).ProducesProblem(StatusCodes.Status409Conflict)
            .ProducesProblem(StatusCodes.Status412PreconditionFailed).ProducesProblem(StatusCodes.Status429TooManyRequests)
            .TakesIdempotencyKey().WithTags("Profile"));
        Summary(s =>
        {
            s.Summary = "Change my profile";
            s.Description = "Sent fields change, absent fields stay. A new `email` needs `current_password` in the same body; where there "
                + "is no password, a login of the last ten minutes (401, `insufficient_user_authentication`, RFC 9470) in its place, and "
                + "where there is a second factor, both. It takes effect at once or, with `Accounts__RequireVerifiedEmail` and "
                + "where more than a password logs in, when it is confirmed. A mail asks the new address to confirm, and another tells "
                + "the old one. Sending the present address withdraws a pending one. "
                + "With `If-Match`, nothing changes unless the profile still has that `ETag`.";
            s.RequestExamples.Add(new(new { Name = "New Name" }));
            s.ResponseExamples[200] = new UpdateMeResponse(Done, ProfileDescription.Example with { Name = "New Name" });
            s.ResponseExamples[400] = Problem.Example(ErrorCodes.NothingToChange);
            s.ResponseExamples[409] = Problem.Example(ErrorCodes.EmailTaken);
            s.ResponseExamples[412] = Problem.Example(ErrorCodes.ProfileChanged);
            s.Responses[200] = "Changed.";
            s.Responses[403] = "The current password is wrong";
            s.Responses[409] = "Email already registered, or Username already taken";
            s.Responses[412] = "The profile no longer has this `ETag`.";
            s.Responses[429] = "Too many changes of the e-mail address, or too many wrong passwords.";
        });
    }

    public override async Task<Results<Ok<UpdateMeResponse>, ProblemHttpResult>> ExecuteAsync(UpdateMeRequest req, CancellationToken ct) =>
        await profile.SaveAsync(HttpContext, req, user => Map.UpdateEntity(req, user), ct) is { } refusal
            ? refusal
            : TypedResults.Ok(new UpdateMeResponse(Done, ProfileDescription.Of(me.User, address)));
}
