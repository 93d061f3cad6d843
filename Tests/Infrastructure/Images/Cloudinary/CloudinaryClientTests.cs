using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Profiles.Infrastructure.Images.Cloudinary;

namespace Profiles.Tests.Infrastructure.Images.Cloudinary;

/// <summary>The client as the service registers it, against a fake Cloudinary that fails on demand.</summary>
[Trait("Database", "Sqlite")]
public sealed class CloudinaryClientTests : IAsyncLifetime
{
    const string Folder = "profile_images", Id = "0198c0de-0000-7000-8000-000000000001";
    static readonly byte[] Image =
        [0xFF, 0xD8, .. "--boundary\r\nContent-Disposition: form-data; name=\"overwrite\"\r\n\r\ntrue\r\n"u8, 0xFF, 0xD9];
    CloudinaryDouble server = null!;

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => server = await CloudinaryDouble.StartAsync();

    public ValueTask DisposeAsync() => server.DisposeAsync();

    [Fact]
    public async Task An_upload_arrives_whole_and_returns_its_address()
    {
        var url = await Client().UploadAsync(Folder, Id, Image, Cancellation);

        url.AbsoluteUri.ShouldMatch($@"^https://res\.cloudinary\.com/demo/image/upload/v\d+/{Folder}/{Id}\.jpg$");
        server.Assets[$"{Folder}/{Id}"].ShouldBe(Image);
        var call = server.Calls.ShouldHaveSingleItem();
        (call.Path, call.FileName, call.Fields["overwrite"]).ShouldBe(("/v1_1/demo/image/upload", $"{Id}.jpg", "false"));
        call.Fields.Keys.ShouldBe(["api_key", "folder", "overwrite", "public_id", "signature", "timestamp"], ignoreOrder: true);
    }

    [Fact]
    public async Task A_signature_matches_an_independent_one()
    {
        // The timestamp is too old, so the call is refused; the fake still records its fields.
        await Should.ThrowAsync<CloudinaryException>(() =>
            Client(clock: new StoppedClock()).UploadAsync("avatars", "u1", Image, Cancellation));

        // printf 'folder=avatars&overwrite=false&public_id=u1&timestamp=1<secret>' | sha1sum
        server.Calls.ShouldHaveSingleItem().Fields["signature"].ShouldBe("3b1fd79e8b1b08b14c5f9d6ee8e3c8af942f3540");
    }

    [Fact]
    public async Task An_image_is_deleted_once_and_is_then_missing()
    {
        var client = Client();
        await client.UploadAsync(Folder, Id, Image, Cancellation);

        (await client.ExistsAsync($"{Folder}/{Id}", Cancellation)).ShouldBeTrue();
        (await client.DestroyAsync($"{Folder}/{Id}", Cancellation)).ShouldBeTrue();
        (await client.DestroyAsync($"{Folder}/{Id}", Cancellation)).ShouldBeFalse();
        (await client.ExistsAsync($"{Folder}/{Id}", Cancellation)).ShouldBeFalse();
        server.Assets.ShouldBeEmpty();
    }

    [Fact]
    public async Task An_ampersand_in_a_value_cannot_add_a_parameter()
    {
        await Client().UploadAsync("a&overwrite=true", Id, Image, Cancellation);

        server.Calls.ShouldHaveSingleItem().Fields["folder"].ShouldBe("a&overwrite=true");
    }

    [Theory]
    [InlineData("a wrong secret", true)]
    [InlineData("420", true)]
    [InlineData("500", false)]
    [InlineData("garbage", false)]
    [InlineData("null", false)]
    [InlineData("an endless answer", false)]
    [InlineData("a redirect", false)]
    [InlineData("an unknown charset", false)]
    [InlineData("a relative address", false)]
    public async Task A_failure_tells_whether_it_was_a_refusal_and_contains_no_secret(string fault, bool refused)
    {
        server.OnUpload = server.OnDestroy = fault switch
        {
            "a wrong secret" => CloudinaryBehaviour.Normal,
            "garbage" => CloudinaryBehaviour.GarbageBody,
            "null" => new((call, _, ct) => call.Response.WriteAsync("null", ct)),
            "an endless answer" => new((call, _, ct) => call.Response.WriteAsync(
                new string(' ', CloudinaryClient.MaxAnswerBytes) + """{"secure_url":"https://res.cloudinary.com/1.jpg","result":"ok"}""",
                    ct)),
            "an unknown charset" => new((call, _, ct) =>
            {
                call.Response.ContentType = "application/json; charset=bogus";
                return call.Response.Body.WriteAsync("""{"secure_url":"https://res.cloudinary.com/1.jpg","result":"ok"}"""u8.ToArray(), ct)
                    .AsTask();
            }),
            "a relative address" => new((call, _, ct) => call.Response.WriteAsync("""{"secure_url":"/1.jpg","result":"perhaps"}""", ct)),
            "a redirect" => CloudinaryBehaviour.Redirect(server.Elsewhere),
            _ => CloudinaryBehaviour.Status(int.Parse(fault)),
        };
        var secret = fault == "a wrong secret" ? "another-secret" : CloudinaryDouble.Secret;
        var client = Client(server.CloudinaryUrl.Replace(CloudinaryDouble.Secret, secret));

        foreach (var call in (Func<Task>[])[() => client.UploadAsync(Folder, Id, Image, Cancellation),
            () => client.DestroyAsync(Id, Cancellation)])
        {
            var failure = await call.ShouldThrowAsync<CloudinaryException>();
            failure.Refused.ShouldBe(refused);
            failure.ToString().ShouldNotContain(secret);
        }
        server.ElsewhereRequests.ShouldBe(0);
        server.Assets.ShouldBeEmpty();
    }

    [Fact]
    public async Task The_secret_is_sent_to_the_configured_host_only()
    {
        server.OnAdmin = CloudinaryBehaviour.Redirect(server.Elsewhere);

        await Should.ThrowAsync<CloudinaryException>(() => Client().PingAsync(Cancellation));
        server.ElsewhereRequests.ShouldBe(0);
    }

    [Fact]
    public async Task A_cancelled_call_is_cancelled_and_a_timeout_is_a_failure()
    {
        server.OnUpload = CloudinaryBehaviour.Drip;
        using var source = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        source.CancelAfter(300);

        await Should.ThrowAsync<OperationCanceledException>(() => Client().UploadAsync(Folder, Id, Image, source.Token));
        (await Should.ThrowAsync<CloudinaryException>(() => Client(seconds: 0.3).UploadAsync(Folder, Id, Image, Cancellation)))
            .Refused.ShouldBeFalse();
    }

    CloudinaryClient Client(string? url = null, double seconds = 30, TimeProvider? clock = null) => new ServiceCollection()
        .AddSingleton(clock ?? TimeProvider.System)
        .AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["CLOUDINARY_URL"] = url ?? server.CloudinaryUrl,
            ["Cloudinary:ApiBaseAddress"] = server.BaseAddress.GetLeftPart(UriPartial.Authority),
            ["Cloudinary:Timeout"] = TimeSpan.FromSeconds(seconds).ToString("c"),
        }).Build())
        .AddCloudinary().BuildServiceProvider().GetRequiredService<CloudinaryClient>();

    sealed class StoppedClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => DateTimeOffset.FromUnixTimeSeconds(1);
    }
}
