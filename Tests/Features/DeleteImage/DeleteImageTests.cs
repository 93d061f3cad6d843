using System.Net;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;

namespace Profiles.Tests.Features.DeleteImage;

public sealed class DeleteImageTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    public static TheoryData<string> Paths => [.. TestImage.Addresses];

    [Theory]
    [MemberData(nameof(Paths))]
    public async Task A_deleted_image_is_gone_from_the_profile_the_disk_and_its_address(string path)
    {
        var user = await app.CreateUserAsync();
        var client = app.ClientFor(user);
        var url = await client.UploadForUrlAsync(TestImage.Bytes("upright.jpg"), Cancellation);
        File.Exists(FileOf(user)).ShouldBeTrue();
        var before = await RowAsync(user);

        var body = await (await client.DeleteAsync(path, Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        body.Names().ShouldBe(["message"]);
        body.GetProperty("message").GetString().ShouldBe("Profile image deleted successfully");
        Directory.EnumerateFiles(app.ImageDirectory, $"{user.Id}.*").ShouldBeEmpty();
        var row = await RowAsync(user);
        (row.Image, row.Name).ShouldBe((null, before.Name));
        row.Version.ShouldBe(before.Version + 1);
        (await ShownAsync(client)).ShouldBeNull();
        await (await client.GetAsync(url, Cancellation)).ShouldBeProblemAsync(HttpStatusCode.NotFound);

        await (await client.DeleteAsync(path, Cancellation)).ShouldBeProblemAsync(HttpStatusCode.NotFound, "User has no profile image");
        (await RowAsync(user)).Version.ShouldBe(row.Version);
    }

    [Fact]
    public async Task Another_image_can_be_uploaded_afterwards()
    {
        var client = app.ClientFor(await app.CreateUserAsync());
        var url = await client.UploadForUrlAsync(TestImage.Bytes("upright.jpg"), Cancellation);
        await (await client.DeleteAsync("/me/upload-image", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        var next = await client.UploadForUrlAsync(TestImage.Bytes("upright.jpg"), Cancellation);
        // The same image, yet the first one's address stays invalid.
        next.ShouldNotBe(url);
        Jpeg.Read(await client.GetByteArrayAsync(next, Cancellation)).Width.ShouldBe(320);
        await (await client.GetAsync(url, Cancellation)).ShouldBeProblemAsync(HttpStatusCode.NotFound);
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public async Task Without_an_image_it_is_404(string path) =>
        await (await app.ClientFor(await app.CreateUserAsync()).DeleteAsync(path, Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.NotFound, "User has no profile image");

    [Fact]
    public async Task Of_many_simultaneous_deletions_one_succeeds_and_the_others_find_no_image()
    {
        var user = await app.CreateUserAsync();
        var client = app.ClientFor(user);
        await client.UploadForUrlAsync(TestImage.Bytes("upright.jpg"), Cancellation);
        var statuses = await Task.WhenAll(Enumerable.Range(0, 20)
            .Select(async _ => (await client.DeleteAsync("/me/upload-image", Cancellation)).StatusCode));
        statuses.Count(s => s == HttpStatusCode.OK).ShouldBe(1);
        statuses.Count(s => s == HttpStatusCode.NotFound).ShouldBe(19);
    }

    [Fact]
    public async Task A_deletion_during_an_upload_comes_first_or_last_and_row_and_disk_agree()
    {
        var user = await app.CreateUserAsync();
        var client = app.ClientFor(user);
        for (var round = 0; round < 30; round++)
        {
            await client.UploadForUrlAsync(TestImage.Png(32, 32, 0, (byte)round, 0), Cancellation);
            await Task.WhenAll(client.DeleteAsync("/me/upload-image", Cancellation),
                client.UploadAsync(TestImage.Png(32, 32, (byte)round, 0, 0), Cancellation));
            var shown = await ShownAsync(client);
            Directory.EnumerateFiles(app.ImageDirectory, $"{user.Id}.*").ShouldBe(shown is null ? [] : [FileOf(user)]);
            if (shown is not null)
                (await client.GetAsync(shown, Cancellation)).Headers.CacheControl!.ToString().ShouldContain("immutable");
        }
    }

    [Fact]
    public async Task A_missing_file_does_not_keep_its_image_on_the_profile()
    {
        var user = await app.CreateUserAsync();
        var client = app.ClientFor(user);
        var url = await client.UploadForUrlAsync(TestImage.Bytes("upright.jpg"), Cancellation);
        File.Delete(FileOf(user));
        await (await client.GetAsync(url, Cancellation)).ShouldBeProblemAsync(HttpStatusCode.NotFound);
        (await ShownAsync(client)).ShouldBe(url);
        await (await client.DeleteAsync("/me/upload-image", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        (await ShownAsync(client)).ShouldBeNull();
    }

    [Fact]
    public async Task An_image_that_cannot_be_deleted_is_still_shown_and_loads()
    {
        var user = await app.CreateUserAsync();
        var client = app.ClientFor(user);
        var url = await client.UploadForUrlAsync(TestImage.Bytes("upright.jpg"), Cancellation);
        var before = await RowAsync(user);
        // A directory in its place cannot be deleted as a file.
        File.Move(FileOf(user), FileOf(user) + "-aside");
        Directory.CreateDirectory(FileOf(user));

        await (await client.DeleteAsync("/me/upload-image", Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.InternalServerError, "Error deleting image from Cloudinary");
        Directory.Delete(FileOf(user));
        File.Move(FileOf(user) + "-aside", FileOf(user));
        var row = await RowAsync(user);
        row.Image.ShouldBe(before.Image);
        (await ShownAsync(client)).ShouldBe(url);
        Jpeg.Read(await client.GetByteArrayAsync(url, Cancellation)).Width.ShouldBe(320);
        await (await client.DeleteAsync("/me/upload-image", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
    }

    async Task<string?> ShownAsync(HttpClient client) =>
        (await (await client.GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK)).GetProperty("image_url").GetString();

    Task<UserProfile> RowAsync(TestUser user) => app.QueryAsync(db => db.UserProfiles.AsNoTracking().SingleAsync(p => p.UserId == user.Id));

    string FileOf(TestUser user) => Path.Combine(app.ImageDirectory, $"{user.Id}.jpg");
}

/// <summary>A service of its own that loses its images.</summary>
public sealed class LostImagesFixture : ProfilesFixture;

public sealed class DeleteLostImageTests(LostImagesFixture app) : TestBase<LostImagesFixture>
{
    [Fact]
    public async Task When_the_whole_directory_is_lost_images_can_be_deleted_and_uploaded_again()
    {
        var user = await app.CreateUserAsync();
        var client = app.ClientFor(user);
        var url = await client.UploadForUrlAsync(TestImage.Bytes("upright.jpg"), Cancellation);
        Directory.Delete(app.ImageDirectory, recursive: true);

        await (await client.GetAsync(url, Cancellation)).ShouldBeProblemAsync(HttpStatusCode.NotFound);
        await (await client.DeleteAsync("/me/upload-image", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        (await app.QueryAsync(db => db.UserProfiles.Where(p => p.UserId == user.Id).Select(p => p.Image!.Url).SingleAsync(Cancellation)))
            .ShouldBeNull();
        var next = await client.UploadForUrlAsync(TestImage.Bytes("upright.jpg"), Cancellation);
        Jpeg.Read(await client.GetByteArrayAsync(next, Cancellation)).Width.ShouldBe(320);
    }
}
