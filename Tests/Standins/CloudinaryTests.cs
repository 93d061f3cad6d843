using System.Diagnostics;
using System.Net;
using CloudinaryDotNet.Actions;
using Cloudinary = CloudinaryDotNet.Cloudinary;
using FileDescription = CloudinaryDotNet.FileDescription;

namespace Profiles.Tests.Standins;

/// <summary>What the stand-in and the real CloudinaryDotNet have in common; these pass with either.</summary>
public sealed class CloudinaryTests : IAsyncLifetime
{
    const string Id = "0198c0de-0000-7000-8000-000000000001";
    static readonly byte[] Image = [0xFF, 0xD8, .. "--notrandomsequence\r\n\r\n"u8, 0xFF, 0xD9];
    CloudinaryDouble server = null!;

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => server = await CloudinaryDouble.StartAsync();

    public ValueTask DisposeAsync() => server.DisposeAsync();

    [Fact]
    public void The_known_signature_is_reproduced()
    {
        var parameters = new SortedDictionary<string, object>
        {
            ["timestamp"] = 1,
            ["public_id"] = "u1",
            ["folder"] = "avatars",
            ["file"] = "not signed",
            ["api_key"] = "not signed",
            ["resource_type"] = "not signed",
        };

        new Cloudinary("cloudinary://key1:secret1@demo").Api.SignParameters(parameters).ShouldBe("943aefdae2748dc60dcd6aa35a7c5e2cde79c13a");
    }

    [Fact]
    public void An_ampersand_in_a_value_cannot_pass_for_another_parameter()
    {
        var api = new Cloudinary("cloudinary://key1:secret1@demo").Api;

        api.SignParameters(new SortedDictionary<string, object> { ["a"] = "1&b=2" })
            .ShouldNotBe(api.SignParameters(new SortedDictionary<string, object> { ["a"] = "1", ["b"] = "2" }));
    }

    [Theory]
    [InlineData("")]
    [InlineData("https://key:secret@demo")]
    public void Only_a_cloudinary_url_is_taken(string url) => Should.Throw<ArgumentException>(() => new Cloudinary(url));

    [Fact]
    public async Task An_upload_arrives_whole_and_is_answered_with_its_address()
    {
        var result = await UploadAsync(Client(), overwrite: true);

        result.Error.ShouldBeNull();
        result.StatusCode.ShouldBe(HttpStatusCode.OK);
        result.PublicId.ShouldBe($"profile_images/{Id}");
        result.SecureUrl.ShouldBe(new Uri($"https://res.cloudinary.com/demo/image/upload/v{result.Version}/profile_images/{Id}.jpg"));
        server.Assets.ShouldHaveSingleItem().Key.ShouldBe($"profile_images/{Id}");
        server.Assets[$"profile_images/{Id}"].ShouldBe(Image);
        var call = server.Calls.ShouldHaveSingleItem();
        call.Path.ShouldBe("/v1_1/demo/image/upload");
        call.FileName.ShouldBe("image.jpg");
        call.Fields.Keys.ShouldBe(["api_key", "folder", "overwrite", "public_id", "signature", "timestamp"], ignoreOrder: true);
        call.Fields["overwrite"].ShouldBe("true");
    }

    [Fact]
    public async Task What_is_not_set_is_not_sent()
    {
        var result = await UploadAsync(Client(), folder: null);

        result.PublicId.ShouldBe(Id);
        server.Calls.ShouldHaveSingleItem().Fields.Keys.ShouldBe(["api_key", "public_id", "signature", "timestamp"], ignoreOrder: true);
    }

    [Theory]
    [InlineData(true, "true")]
    [InlineData(false, "false")]
    public async Task An_image_is_destroyed_once_and_then_not_found(bool invalidate, string sent)
    {
        var cloudinary = Client();
        await UploadAsync(cloudinary);
        var deletion = new DeletionParams($"profile_images/{Id}") { Invalidate = invalidate };

        (await cloudinary.DestroyAsync(deletion)).Result.ShouldBe("ok");
        server.Assets.ShouldBeEmpty();
        var again = await cloudinary.DestroyAsync(deletion);
        again.Result.ShouldBe("not found");
        again.StatusCode.ShouldBe(HttpStatusCode.OK);
        server.Calls[^1].Path.ShouldBe("/v1_1/demo/image/destroy");
        server.Calls[^1].Fields["invalidate"].ShouldBe(sent);
    }

    [Theory]
    [InlineData(429)]
    [InlineData(500)]
    public async Task An_error_does_not_throw_but_fills_Error(int status)
    {
        server.OnUpload = server.OnDestroy = CloudinaryBehaviour.Status(status);

        var upload = await UploadAsync(Client());
        var deletion = await Client().DestroyAsync(new DeletionParams("x"));

        upload.Error!.Message.ShouldBe($"Error {status} as ordered");
        upload.PublicId.ShouldBeNull();
        upload.SecureUrl.ShouldBeNull();
        ((int)upload.StatusCode).ShouldBe(status);
        deletion.Error!.Message.ShouldBe($"Error {status} as ordered");
        deletion.Result.ShouldBeNull();
        ((int)deletion.StatusCode).ShouldBe(status);
        server.Assets.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_wrong_secret_is_refused_with_Error_filled()
    {
        var result = await UploadAsync(Client(url: server.CloudinaryUrl.Replace("a-secret", "no-secret", StringComparison.Ordinal)));

        result.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        result.Error!.Message.ShouldStartWith("Invalid Signature");
        server.Assets.ShouldBeEmpty();
    }

    [Fact]
    public async Task An_answer_that_is_not_JSON_throws()
    {
        server.OnUpload = server.OnDestroy = CloudinaryBehaviour.GarbageBody;

        (await Should.ThrowAsync<Exception>(() => UploadAsync(Client()))).Message.ShouldContain("Failed to deserialize");
        (await Should.ThrowAsync<Exception>(() => Client().DestroyAsync(new DeletionParams("x")))).Message.ShouldContain("Failed to deserialize");
    }

    [Fact]
    public async Task A_connection_that_dies_half_way_throws_though_the_image_is_stored()
    {
        server.OnUpload = CloudinaryBehaviour.ResetMidBody;

        await Should.ThrowAsync<HttpRequestException>(() => UploadAsync(Client()));
        server.Assets.ShouldHaveSingleItem();
    }

    [Fact]
    public async Task A_redirect_is_not_followed_by_a_client_that_forbids_it()
    {
        server.OnUpload = server.OnDestroy = CloudinaryBehaviour.Redirect(server.Elsewhere);

        await Should.ThrowAsync<Exception>(() => UploadAsync(Client()));
        await Should.ThrowAsync<Exception>(() => Client().DestroyAsync(new DeletionParams("x")));
        server.Calls.Count.ShouldBe(2);
        server.ElsewhereRequests.ShouldBe(0);
    }

    [Theory]
    [InlineData("hang")]
    [InlineData("drip")]
    public async Task The_client_bounds_the_whole_call_by_its_deadline(string how)
    {
        server.OnUpload = server.OnDestroy = how == "hang" ? CloudinaryBehaviour.Hang : CloudinaryBehaviour.Drip;

        await ShouldEndSoonAsync(() => UploadAsync(Client(deadline: TimeSpan.FromSeconds(0.3))));
        await ShouldEndSoonAsync(() => Client(deadline: TimeSpan.FromSeconds(0.3)).DestroyAsync(new DeletionParams("x")));
    }

    [Fact]
    public async Task The_timeout_in_milliseconds_bounds_a_call_without_a_token()
    {
        server.OnDestroy = CloudinaryBehaviour.Hang;
        var cloudinary = Client();
        cloudinary.Api.Timeout = 300;

        await ShouldEndSoonAsync(() => cloudinary.DestroyAsync(new DeletionParams("x")));
    }

    [Fact]
    public async Task An_upload_can_be_cancelled()
    {
        server.OnUpload = CloudinaryBehaviour.Hang;
        using var source = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        source.CancelAfter(300);

        await ShouldEndSoonAsync(() => UploadAsync(Client(), ct: source.Token));
    }

    [Fact]
    public async Task The_client_bounds_the_size_of_the_answer() =>
        await Should.ThrowAsync<HttpRequestException>(() => UploadAsync(Client(answer: 64)));

    static async Task ShouldEndSoonAsync(Func<Task> call)
    {
        var clock = Stopwatch.StartNew();
        await Should.ThrowAsync<TaskCanceledException>(call);
        clock.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(10));
    }

    Cloudinary Client(string? url = null, TimeSpan? deadline = null, int answer = 65_536)
    {
        var cloudinary = new Cloudinary(url ?? server.CloudinaryUrl);
        cloudinary.Api.ApiBaseAddress = server.BaseAddress.GetLeftPart(UriPartial.Authority);
        cloudinary.Api.Client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false })
        {
            Timeout = deadline ?? TimeSpan.FromSeconds(30),
            MaxResponseContentBufferSize = answer,
        };
        return cloudinary;
    }

    static Task<ImageUploadResult> UploadAsync(Cloudinary cloudinary, string? folder = "profile_images", bool? overwrite = null, CancellationToken? ct = null) =>
        cloudinary.UploadAsync(
            new ImageUploadParams { File = new FileDescription("image.jpg", new MemoryStream(Image)), Folder = folder, PublicId = Id, Overwrite = overwrite },
            ct ?? Ct);
}
