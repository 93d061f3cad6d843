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
        Description(d => d.ProducesProblem(StatusCodes.Status403Forbidden).ProducesProblem(StatusCodes.Status409Conflict).ProducesProblem(StatusCodes.Status412PreconditionFailed).ProducesProblem(StatusCodes.Status429TooManyRequests).TakesIdempotencyKey().WithTags("Profile"));
        Summary(s =>
        {
            s.Summary = "Change my profile";
            s.Description = "Fields that are sent are changed, fields that are absent stay. Another e-mail address needs `current_password` beside it; it is in force at once, or when it has been confirmed (`Accounts__RequireVerifiedEmail`); it gets a mail to confirm it, and the old one is told. The present address, sent again, takes back the one that waits. With `If-Match` nothing is changed unless the profile is still the one with that `ETag`.";
            s.RequestExamples.Add(new(new { Name = "New Name" }));
            s.ResponseExamples[200] = new UpdateMeResponse(Done, ProfileDescription.Example with { Name = "New Name" });
            s.ResponseExamples[400] = Problem.Example(ErrorCodes.NothingToChange);
            s.ResponseExamples[409] = Problem.Example(ErrorCodes.EmailTaken);
            s.ResponseExamples[412] = Problem.Example(ErrorCodes.ProfileChanged);
            s.Responses[200] = "Changed.";
            s.Responses[403] = "The current password is wrong";
            s.Responses[409] = "Email already registered, or Username already taken";
            s.Responses[412] = "The profile has changed since.";
            s.Responses[429] = "Too many changes of the e-mail address, or too many wrong passwords.";
        });
    }

    public override async Task<Results<Ok<UpdateMeResponse>, ProblemHttpResult>> ExecuteAsync(UpdateMeRequest req, CancellationToken ct) =>
        await profile.SaveAsync(HttpContext, req, user => Map.UpdateEntity(req, user), ct) is { } refusal
            ? refusal
            : TypedResults.Ok(new UpdateMeResponse(Done, ProfileDescription.Of(me.User, address)));
}
