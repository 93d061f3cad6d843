using System.Net;
using System.Net.Http.Json;

namespace Profiles.Tests.Infrastructure.Images;

/// <summary>After a change of the storage an image is deleted where it was stored. Each test restarts a process on the same data.</summary>
// Independent of the database, so it runs on one engine only.
[Trait("Database", "Sqlite")]
[Trait("Needs", "Process")]
public sealed class StorageChangeTests
{
    readonly string data = TemporaryDirectory.Make("data");
    readonly string images = TemporaryDirectory.Make("images");

    static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_local_image_is_deleted_from_the_directory_when_new_images_go_to_Cloudinary()
    {
        await using var cloudinary = await CloudinaryDouble.StartAsync();
        string[] tokens, urls;
        await using (var before = await StartAsync())
            (tokens, urls) = await SignUpWithImagesAsync(before, users: 2);
        // Each with its variants.
        Files().ShouldBe(8);

        await using var after = await StartAsync(Cloudinary(cloudinary));
        await ReplaceAsync(after, tokens[0]);
        (Files(), cloudinary.Assets.Count).ShouldBe((4, 1));
        (await DeleteAsync(after, tokens[1])).StatusCode.ShouldBe(HttpStatusCode.OK);
        (Files(), cloudinary.Assets.Count).ShouldBe((0, 1));
        foreach (var url in urls)
            (await after.Client.GetAsync(new Uri(url).PathAndQuery, Token)).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task An_image_at_Cloudinary_is_deleted_there_when_new_images_are_local_and_stays_when_Cloudinary_is_not_configured()
    {
        await using var cloudinary = await CloudinaryDouble.StartAsync();
        string[] tokens, urls;
        await using (var before = await StartAsync(Cloudinary(cloudinary)))
            (tokens, urls) = await SignUpWithImagesAsync(before, users: 3);
        (Files(), cloudinary.Assets.Count).ShouldBe((0, 3));

        await using (var local = await StartAsync([.. Cloudinary(cloudinary), ("Images__Storage", "Local")]))
        {
            await ReplaceAsync(local, tokens[0]);
            (Files(), cloudinary.Assets.Count).ShouldBe((4, 2));
            (await DeleteAsync(local, tokens[1])).StatusCode.ShouldBe(HttpStatusCode.OK);
            (Files(), cloudinary.Assets.Count).ShouldBe((4, 1));
        }

        await using var after = await StartAsync();
        await (await DeleteAsync(after, tokens[2]))
            .ShouldBeProblemAsync(HttpStatusCode.InternalServerError, "Error deleting image from Cloudinary");
        using var client = Client(after, tokens[2]);
        (await (await client.GetAsync("/me", Token)).ShouldBeAsync(HttpStatusCode.OK)).GetProperty("image_url").GetString()
            .ShouldBe(urls[2]);
        (await client.UploadForUrlAsync(TestImage.Png(16, 16, 0, 0, 255), Token)).ShouldContain("/static/profile/");
        cloudinary.Assets.Count.ShouldBe(1);
    }

    int Files() => Directory.Exists(Path.Combine(images, "profile")) ? Directory.GetFiles(Path.Combine(images, "profile")).Length : 0;

    Task<ServerProcess> StartAsync(params (string, string)[] settings) =>
        ServerProcess.StartAsync([("DataDirectory", data), ("Images__Directory", images), .. settings]);

    static (string, string)[] Cloudinary(CloudinaryDouble cloudinary) =>
        [("CLOUDINARY_URL", cloudinary.CloudinaryUrl),
            ("Cloudinary__ApiBaseAddress", cloudinary.BaseAddress.GetLeftPart(UriPartial.Authority))];

    static async Task<(string[] Tokens, string[] Urls)> SignUpWithImagesAsync(ServerProcess server, int users)
    {
        var (tokens, urls) = (new string[users], new string[users]);
        for (var user = 0; user < users; user++)
        {
            var john = new { name = "John", email = $"john-{user}@example.com", password = "plum-tram-94" };
            (await server.Client.PostAsJsonAsync("/register", john, Token)).EnsureSuccessStatusCode();
            var login = await server.Client.PostAsJsonAsync("/login", john, Token);
            tokens[user] = (await login.ShouldBeAsync(HttpStatusCode.OK)).GetProperty("access_token").GetString()!;
            using var client = Client(server, tokens[user]);
            urls[user] = await client.UploadForUrlAsync(TestImage.Png(16, 16, 0, 0, 255), Token);
        }
        return (tokens, urls);
    }

    static async Task ReplaceAsync(ServerProcess server, string token)
    {
        using var client = Client(server, token);
        (await client.UploadAsync(TestImage.Png(16, 16, 255, 0, 0), Token)).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    static async Task<HttpResponseMessage> DeleteAsync(ServerProcess server, string token)
    {
        using var client = Client(server, token);
        return await client.DeleteAsync("/me/upload-image", Token);
    }

    static HttpClient Client(ServerProcess server, string token) =>
        new() { BaseAddress = server.Address, DefaultRequestHeaders = { Authorization = new("Bearer", token) } };
}
