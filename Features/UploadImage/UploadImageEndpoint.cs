using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Decoding;
using Profiles.Infrastructure.Decoding.Worker.Protocol;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Idempotency;
using Profiles.Infrastructure.Images;
using Profiles.Infrastructure.Limits;
using Profiles.Infrastructure.OpenApi;

namespace Profiles.Features.UploadImage;

sealed class UploadImageEndpoint(
    ProfilesDbContext db, CurrentUser me, DecodePool decoders, IImageStorage storage, ImageSettlement images, ImageAddress address,
    IOptions<ImagesOptions> options, TimeProvider clock) : EndpointWithoutRequest<Results<Ok<UploadImageResponse>, ProblemHttpResult>>
{
    public override void Configure()
    {
        Post("/me/upload-image", "/users/me/profile-image", "/user/profile/photo");
        AllowFileUploads(dontAutoBindFormData: true);
        MaxRequestBodySize(options.Value.MaxBytes + UploadImageForm.Overhead);
        Description(d => d.Accepts<UploadImageRequest>("multipart/form-data").WithTags("Images")
            .ConcurrencyLimitedTo(ConcurrencyLimit.Uploads).LimitedTo(Limit.Uploads).ArrivesWithin(options.Value.UploadTimeout)
            .TakesIdempotencyKey(options.Value.MaxBytes + UploadImageForm.Overhead)
            .ProducesProblem(400).ProducesProblem(413).ProducesProblem(507).WithMetadata(new LargestFile(options.Value.MaxBytes)));
        Summary(s =>
        {
            s.Summary = "Upload my profile image";
            s.Description = "One file part named `image`, `file` or `photo`: JPEG, PNG, WebP, GIF (first frame), HEIC or AVIF, as cameras "
                + "write them. It is stored upright, without metadata, as an sRGB JPEG, and replaces the previous image.";
            s.ResponseExamples[200] = new UploadImageResponse("Upload successful", ImageDescription.Example.Url, ImageDescription.Example);
            var tooLarge = Problem.Example(
                ErrorCodes.ImageTooLarge, sentence: $"A picture has at most {options.Value.MaxBytes} bytes.");
            s.ResponseExamples[413] = tooLarge with { MaxBytes = options.Value.MaxBytes };
            s.Responses[200] = "Stored and shown.";
            s.Responses[400] = "Invalid file format";
            s.Responses[500] = "Error uploading image";
        });
    }

    public override async Task<Results<Ok<UploadImageResponse>, ProblemHttpResult>> ExecuteAsync(CancellationToken ct)
    {
        using var upload = decoders.Receive();
        if (await UploadImageForm.ReadAsync(HttpContext.Request, upload, options.Value.MaxBytes, ct) is { } refused)
            return refused;
        try
        {
            var processed = await decoders.ProcessAsync(upload, ct);
            // Frees its memory for uploads that are still arriving.
            upload.Dispose();
            var image = address.Describe(await ReplaceAsync(processed, ct))!;
            return TypedResults.Ok(new UploadImageResponse("Upload successful", image.Url, image));
        }
        catch (ImageRefusedException e)
        {
            Logger.LogDebug(e, "An image was refused.");
            return Problems.Of(e.Error, e.Message, e.Limit);
        }
        catch (ImageStorageException e)
        {
            Logger.LogError(e, "Storing an image failed; the profile keeps its previous image.");
            return Problems.Of(ErrorCodes.ImageUploadFailed);
        }
    }

    // Stores the image and shows it on the profile in place of the previous one.
    async Task<ProfileImage> ReplaceAsync(ProcessedImage processed, CancellationToken ct)
    {
        // Saved before anything is stored, so that a crash leaves no image without an outbox entry.
        var entry = images.NewEntry(storage.Store, OutboxState.Storing, me.Id, storage.KeyFor(processed));
        db.ChangeTracker.Clear();
        db.Outbox.Add(entry);
        await db.SaveChangesAsync(ct);
        ProfileImage image;
        OutboxEntry? removal;
        try
        {
            var url = await storage.SaveAsync(entry, processed, ct);
            image = UploadImageMapper.ToImage(processed, entry.Key, url, ProfilesDbContext.ToStored(clock.GetUtcNow().UtcDateTime));
            removal = await ShowAsync(entry, image);
        }
        catch (Exception e)
        {
            await images.TryAbandonAsync(entry, e);
            throw;
        }
        // The profile shows the image now; the outbox retries what fails from here on.
        if (storage.SettlesUnderLock)
            await images.TrySettleAsync(entry);
        if (removal is not null)
            await images.TrySettleAsync(removal);
        return image;
    }

    // Returns the outbox entry that deletes the previous image; null when there was none. Not cancellable: the client could not tell
    // whether the image is shown.
    Task<OutboxEntry?> ShowAsync(OutboxEntry entry, ProfileImage image) => db.ChangeLockedProfileAsync(me.Id, async profile =>
    {
        if (profile is null || !await db.IsEnabledAsync(me.Id, CancellationToken.None))
            throw new UserDeletedException();
        if (await db.Outbox.SingleOrDefaultAsync(e => e.Id == entry.Id && e.State == OutboxState.Storing, CancellationToken.None)
            is not { } current)
            throw new ImageStorageException("Storing took so long that the outbox treated the image as abandoned.");
        if (storage.SettlesUnderLock)
            current.State = OutboxState.Settling;
        else
            db.Outbox.Remove(current);
        var removal = profile.Image is { } before && before.Key != image.Key ? images.AddRemoval(me.Id, before) : null;
        profile.Image = image;
        await db.SaveChangesAsync(CancellationToken.None);
        await storage.PublishAsync(entry);
        return removal;
    });
}
