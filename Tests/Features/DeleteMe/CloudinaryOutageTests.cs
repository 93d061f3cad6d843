using System.Net;
using System.Net.Http.Json;
using Microsoft.EntityFrameworkCore;
using Profiles.Tests.Features.ExportMe;
using Profiles.Tests.Features.UploadImage;

namespace Profiles.Tests.Features.DeleteMe;

public sealed class LeavingFixture : CloudinaryFixture;

/// <summary>Export and deletion of an account whose image is at a Cloudinary that fails.</summary>
public sealed class CloudinaryOutageTests(LeavingFixture app) : TestBase<LeavingFixture>
{
    [Fact]
    public async Task The_account_is_deleted_at_once_while_Cloudinary_fails_and_the_image_once_it_recovers()
    {
        var user = await app.CreateUserAsync();
        using var client = app.ClientFor(user);
        await client.UploadForUrlAsync(TestImage.Bytes("upright.jpg"), Cancellation);
        var key = (await app.QueryAsync(db => db.UserProfiles.SingleAsync(p => p.UserId == user.Id))).Image!.Key;
        app.Cloudinary.OnDestroy = CloudinaryBehaviour.Status(500);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Delete, "/me");
            request.Content = JsonContent.Create(new { password = user.Password });
            await (await client.SendAsync(request, Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
            await (await client.GetAsync("/me", Cancellation)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
            app.Cloudinary.Assets.Keys.ShouldContain(key);
        }
        finally
        {
            app.Cloudinary.OnDestroy = CloudinaryBehaviour.Normal;
        }
        // Makes the outbox's entry due.
        await app.QueryAsync(db => db.Outbox.Where(e => e.UserId == user.Id)
            .ExecuteUpdateAsync(e => e.SetProperty(x => x.DueAt, x => x.CreatedAt)));
        await LinuxProcess.UntilAsync(() => !app.Cloudinary.Assets.ContainsKey(key), () => "The image is still at Cloudinary.");
    }

    [Fact]
    public async Task The_export_fetches_the_image_and_is_503_when_that_fails()
    {
        app.Cloudinary.Delivers = true;
        try
        {
            var user = await app.CreateUserAsync();
            using var client = app.ClientFor(user);
            await client.UploadForUrlAsync(TestImage.Bytes("upright.jpg"), Cancellation);
            var key = (await app.QueryAsync(db => db.UserProfiles.SingleAsync(p => p.UserId == user.Id))).Image!.Key;
            using (var zip = await ExportMeTests.ReadAsync(await client.GetAsync("/me/export", Cancellation)))
                ExportMeTests.Bytes(zip, "picture.jpg").ShouldBe(app.Cloudinary.Assets[key]);
            CloudinaryBehaviour[] faults = [CloudinaryBehaviour.Status(500), CloudinaryBehaviour.Redirect(app.Cloudinary.Elsewhere),
                CloudinaryBehaviour.ResetMidBody, CloudinaryBehaviour.Hang];
            foreach (var fault in faults)
            {
                app.Cloudinary.OnDelivery = fault;
                await (await client.GetAsync("/me/export", Cancellation))
                    .ShouldBeProblemAsync(HttpStatusCode.ServiceUnavailable, "The picture cannot be read now: try again in a moment.");
            }
        }
        finally
        {
            (app.Cloudinary.Delivers, app.Cloudinary.OnDelivery) = (false, CloudinaryBehaviour.Normal);
        }
        app.Cloudinary.ElsewhereRequests.ShouldBe(0);
    }
}
