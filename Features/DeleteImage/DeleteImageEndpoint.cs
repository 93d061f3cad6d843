using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Images;

namespace Profiles.Features.DeleteImage;

sealed record DeleteImageResponse(string Message);

sealed class DeleteImageEndpoint(ProfileImages images, CurrentUser me)
    : EndpointWithoutRequest<Results<Ok<DeleteImageResponse>, ProblemHttpResult>>
{
    public override void Configure()
    {
        Delete("/me/upload-image", "/users/me/profile-image", "/user/profile/photo");
        Description(d => d.ProducesProblem(StatusCodes.Status404NotFound).WithTags("Images"));
        Summary(s =>
        {
            s.Summary = "Take down my profile image";
            s.Description = "Removes the image from the profile and from the storage.";
            s.ResponseExamples[200] = new DeleteImageResponse("Profile image deleted successfully");
            s.Responses[200] = "Removed.";
            s.Responses[404] = "User has no profile image";
            s.Responses[500] = "Error deleting image from Cloudinary";
        });
    }

    public override async Task<Results<Ok<DeleteImageResponse>, ProblemHttpResult>> ExecuteAsync(CancellationToken ct)
    {
        try
        {
            return await images.TakeDownAsync(me.Id)
                ? TypedResults.Ok(new DeleteImageResponse("Profile image deleted successfully"))
                : Problems.Of(ErrorCodes.ImageNotFound);
        }
        catch (ImageStorageException e)
        {
            Logger.LogError(e, "A picture could not be removed.");
            return Problems.Of(ErrorCodes.ImageDeleteFailed);
        }
    }
}
