using System.Net;
using System.Net.Http.Json;

namespace Profiles.Tests.Infrastructure.Images;

/// <summary>The storage was changed by the settings while pictures were up: each is removed where it is. Each test restarts a process on the same data.</summary>
// The database has no part in it: once is enough.
[Trait("Database", "Sqlite")]
public sealed class StorageChangeTests
{
    readonly string data = TemporaryDirectory.Make("data");
    readonly string pictures = TemporaryDirectory.Make("pictures");

    static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_local_picture_goes_from_the_directory_when_new_ones_go_to_Cloudinary(bool replaced)
    {
        await using var cloudinary = await CloudinaryDouble.StartAsync();
        string token, url;
        await using (var before = await StartAsync())
        {
            token = await JoinAsync(before);
            url = await PutUpAsync(before, token);
        }
        // With its variants.
        Directory.GetFiles(Path.Combine(pictures, "profile")).Length.ShouldBe(4);

        await using var after = await StartAsync(Cloudinary(cloudinary));
        (await After(after, token, replaced)).StatusCode.ShouldBe(HttpStatusCode.OK);
        Directory.GetFiles(Path.Combine(pictures, "profile")).ShouldBeEmpty();
        (await after.Client.GetAsync(new Uri(url).PathAndQuery, Token)).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        cloudinary.Assets.Count.ShouldBe(replaced ? 1 : 0);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_picture_at_Cloudinary_goes_from_there_when_new_ones_are_local(bool replaced)
    {
        await using var cloudinary = await CloudinaryDouble.StartAsync();
        string token;
        await using (var before = await StartAsync(Cloudinary(cloudinary)))
        {
            token = await JoinAsync(before);
            await PutUpAsync(before, token);
        }
        cloudinary.Assets.Count.ShouldBe(1);

        await using var after = await StartAsync([.. Cloudinary(cloudinary), ("Images__Storage", "Local")]);
        (await After(after, token, replaced)).StatusCode.ShouldBe(HttpStatusCode.OK);
        cloudinary.Assets.ShouldBeEmpty();
        Directory.GetFiles(Path.Combine(pictures, "profile")).Length.ShouldBe(replaced ? 4 : 0);
    }

    [Fact]
    public async Task A_picture_at_a_Cloudinary_that_is_not_named_any_more_stays_and_so_does_its_address()
    {
        await using var cloudinary = await CloudinaryDouble.StartAsync();
        string token, url;
        await using (var before = await StartAsync(Cloudinary(cloudinary)))
        {
            token = await JoinAsync(before);
            url = await PutUpAsync(before, token);
        }

        await using var after = await StartAsync();
        await (await After(after, token, replaced: false)).ShouldBeProblemAsync(HttpStatusCode.InternalServerError, "Error deleting image from Cloudinary");
        using var client = Client(after, token);
        (await (await client.GetAsync("/me", Token)).ShouldBeAsync(HttpStatusCode.OK)).GetProperty("image_url").GetString().ShouldBe(url);
        (await PutUpAsync(after, token)).ShouldContain("/static/profile/");
    }

    Task<ServerProcess> StartAsync(params (string, string)[] settings) => ServerProcess.StartAsync([("DataDirectory", data), ("Images__Directory", pictures), .. settings]);

    static (string, string)[] Cloudinary(CloudinaryDouble cloudinary) =>
        [("CLOUDINARY_URL", cloudinary.CloudinaryUrl), ("Cloudinary__ApiBaseAddress", cloudinary.BaseAddress.GetLeftPart(UriPartial.Authority))];

    static async Task<string> JoinAsync(ServerProcess server)
    {
        (await server.Client.PostAsJsonAsync("/register", new { name = "John", email = "john@example.com", password = "plum-tram-94" }, Token)).EnsureSuccessStatusCode();
        var login = await server.Client.PostAsJsonAsync("/login", new { email = "john@example.com", password = "plum-tram-94" }, Token);
        return (await login.ShouldBeAsync(HttpStatusCode.OK)).GetProperty("access_token").GetString()!;
    }

    static async Task<string> PutUpAsync(ServerProcess server, string token)
    {
        using var client = Client(server, token);
        return await client.PutUpAsync(Picture.Png(16, 16, 0, 0, 255), Token);
    }

    static async Task<HttpResponseMessage> After(ServerProcess server, string token, bool replaced)
    {
        using var client = Client(server, token);
        return replaced ? await client.UploadAsync(Picture.Png(16, 16, 255, 0, 0), Token) : await client.DeleteAsync("/me/upload-image", Token);
    }

    static HttpClient Client(ServerProcess server, string token) => new() { BaseAddress = server.Address, DefaultRequestHeaders = { Authorization = new("Bearer", token) } };
}
