using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Images;

namespace Profiles.Features.DeleteImage;

sealed record DeleteImageResponse(string Message);

sealed class DeleteImageEndpoint(ProfilesDbContext db, CurrentUser me, ImageSettlement images, ImageStorages storages)
    : EndpointWithoutRequest<Results<Ok<DeleteImageResponse>, ProblemHttpResult>>
{
    public override void Configure()
    {
        Delete("/me/upload-image", "/users/me/profile-image", "/user/profile/photo");
        Description(d => d.ProducesProblem(StatusCodes.Status404NotFound).WithTags("Images"));
        Summary(s =>
        {
            s.Summary = "Delete my profile image";
            s.Description = "Deletes the image from the profile and from the storage.";
            s.ResponseExamples[200] = new DeleteImageResponse("Profile image deleted successfully");
            s.Responses[200] = "Deleted.";
            s.Responses[404] = "User has no profile image";
            s.Responses[500] = "Error deleting image from Cloudinary";
        });
    }

    public override async Task<Results<Ok<DeleteImageResponse>, ProblemHttpResult>> ExecuteAsync(CancellationToken ct)
    {
        if (await HideAsync() is not var (removal, image))
            return Problems.Of(ErrorCodes.ImageNotFound);
        try
        {
            await images.SettleAsync(removal);
        }
        catch (Exception e) when (e is ImageStorageException or IOException)
        {
            // Asked without the row lock, which must not wait for a network.
            var isGone = !await storages.Of(image).MayHaveAsync(me.Id, image);
            if (!await IsGoneOrRestoreAsync(removal, image, isGone, isRefused: e is ImageStorageException { Refused: true }))
            {
                if (e is not ImageStorageException)
                    throw;
                Logger.LogError(e, "Deleting an image failed; the profile shows it again.");
                return Problems.Of(ErrorCodes.ImageDeleteFailed, image.IsInS3 ? "Error deleting image" : null);
            }
        }
        return TypedResults.Ok(new DeleteImageResponse("Profile image deleted successfully"));
    }

    // Clears the profile's image; the outbox entry remembers which one to delete.
    Task<(OutboxEntry Removal, ProfileImage Image)?> HideAsync() =>
        db.ChangeLockedProfileAsync<(OutboxEntry, ProfileImage)?>(me.Id, async profile =>
    {
        if (!await db.IsEnabledAsync(me.Id, CancellationToken.None))
            throw new UserDeletedException();
        if (profile?.Image is not { } image)
            return null;
        profile.Image = null;
        return (images.AddRemoval(me.Id, image), image);
    });

    // After a failed deletion: restores the row, unless the image is gone all the same.
    Task<bool> IsGoneOrRestoreAsync(
        OutboxEntry removal, ProfileImage image, bool isGone, bool isRefused) => db.ChangeLockedProfileAsync(me.Id, async profile =>
    {
        // Another instance has picked the entry up and finished it, or only the image's variants are left.
        if (isGone || !await db.Outbox.AnyAsync(e => e.Id == removal.Id, CancellationToken.None))
            return true;
        if (profile is not { Image: null })
            return false;
        profile.Image = image;
        // After a refusal nothing is left to retry; a local file still has to be moved back.
        if (isRefused && !image.IsLocal)
            await images.DeleteEntryAsync(removal);
        return false;
    });
}
