using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Hosting;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;

namespace Profiles.Tests.Features.UploadImage;

/// <summary>A service that stores its images at a Cloudinary double that fails on demand, and its log.</summary>
public class CloudinaryFixture : ProfilesFixture
{
    readonly LogLines log = new();

    public CloudinaryDouble Cloudinary { get; private set; } = null!;

    public IReadOnlyCollection<string> Log => log.Lines;

    protected override async ValueTask PreSetupAsync() => Cloudinary = await CloudinaryDouble.StartAsync();

    protected override ValueTask TearDownAsync() => Cloudinary.DisposeAsync();

    protected override void ConfigureApp(IWebHostBuilder a)
    {
        base.ConfigureApp(a);
        a.UseSetting("CLOUDINARY_URL", Cloudinary.CloudinaryUrl);
        a.UseSetting("Cloudinary:ApiBaseAddress", Cloudinary.BaseAddress.GetLeftPart(UriPartial.Authority));
        a.UseSetting("Cloudinary:Timeout", "00:00:02");
        a.ConfigureLogging(l => l.AddProvider(log).SetMinimumLevel(LogLevel.Trace));
    }

    sealed class LogLines : ILoggerProvider, ILogger
    {
        readonly ConcurrentQueue<string> lines = new();

        public IReadOnlyCollection<string> Lines => lines;

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter) =>
            lines.Enqueue($"{logLevel} {formatter(state, exception)} {exception}");

        public void Dispose() { }
    }
}

/// <summary>Uploads and deletions at Cloudinary, and its ways to fail.</summary>
// The database plays no part: one engine is enough.
[Trait("Database", "Sqlite")]
public sealed class CloudinaryTests(CloudinaryFixture app) : TestBase<CloudinaryFixture>
{
    // The setting is 2 s; a busy machine takes longer.
    static readonly TimeSpan Deadline = TimeSpan.FromSeconds(10);

    protected override ValueTask TearDownAsync()
    {
        (app.Cloudinary.OnUpload, app.Cloudinary.OnDestroy) = (CloudinaryBehaviour.Normal, CloudinaryBehaviour.Normal);
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task An_image_is_stored_in_its_folder_under_a_fresh_UUID_and_shown_at_the_address_that_Cloudinary_returns()
    {
        var user = await app.CreateUserAsync();
        var client = app.ClientFor(user);
        var url = await client.UploadForUrlAsync(TestImage.Bytes("gps.jpg"), Cancellation);

        var call = app.Cloudinary.Calls[^1];
        call.Path.ShouldEndWith("/image/upload");
        call.Fields["folder"].ShouldBe("profile_images");
        Guid.TryParseExact(call.Fields["public_id"], "D", out _).ShouldBeTrue();
        var key = $"profile_images/{call.Fields["public_id"]}";
        url.ShouldStartWith("https://res.cloudinary.com/demo/image/upload/v");
        url.ShouldEndWith($"/{key}.jpg");
        (await RowAsync(user)).ShouldBe((key, url));
        (await ShownAsync(client)).ShouldBe(url);
        var stored = app.Cloudinary.Assets[key];
        Jpeg.Read(stored).Width.ShouldBe(320);
        stored.ShouldNotBe(TestImage.Bytes("gps.jpg"));
        // The user and the file name stay here.
        string.Join(' ', call.Fields.Values.Append(call.FileName)).ShouldSatisfyAllConditions(said => said.ShouldNotContain(user.Email),
            said => said.ShouldNotContain("photo.jpg"), said => said.ShouldNotContain(CloudinaryDouble.Secret));
        Directory.Exists(app.ImageDirectory).ShouldBeFalse();
    }

    [Fact]
    public async Task The_same_image_again_gets_another_UUID_and_the_previous_one_is_deleted_at_Cloudinary_and_in_the_caches()
    {
        var user = await app.CreateUserAsync();
        var client = app.ClientFor(user);
        await client.UploadForUrlAsync(TestImage.Bytes("upright.jpg"), Cancellation);
        var previous = (await RowAsync(user)).Key!;
        var url = await client.UploadForUrlAsync(TestImage.Bytes("upright.jpg"), Cancellation);

        var (key, _) = await RowAsync(user);
        key.ShouldNotBe(previous);
        (await ShownAsync(client)).ShouldBe(url);
        app.Cloudinary.Assets.Keys.ShouldContain(key!);
        app.Cloudinary.Assets.Keys.ShouldNotContain(previous);
        ShouldBeDestroyOf(previous);
    }

    [Theory]
    [InlineData("/me/upload-image")]
    [InlineData("/users/me/profile-image")]
    [InlineData("/user/profile/photo")]
    public async Task A_deleted_image_is_deleted_at_Cloudinary_and_in_the_caches(string path)
    {
        var user = await app.CreateUserAsync();
        var client = app.ClientFor(user);
        await client.UploadForUrlAsync(TestImage.Bytes("upright.jpg"), Cancellation);
        var key = (await RowAsync(user)).Key!;
        var body = await (await client.DeleteAsync(path, Cancellation)).ShouldBeAsync(HttpStatusCode.OK);

        body.GetProperty("message").GetString().ShouldBe("Profile image deleted successfully");
        app.Cloudinary.Assets.Keys.ShouldNotContain(key);
        ShouldBeDestroyOf(key);
        (await RowAsync(user)).ShouldBe((null, null));
        (await ShownAsync(client)).ShouldBeNull();
        var calls = app.Cloudinary.Calls.Count;
        await (await client.DeleteAsync(path, Cancellation)).ShouldBeProblemAsync(HttpStatusCode.NotFound, "User has no profile image");
        app.Cloudinary.Calls.Count.ShouldBe(calls);
    }

    [Fact]
    public async Task An_image_that_Cloudinary_does_not_find_counts_as_deleted()
    {
        var user = await app.CreateUserAsync();
        var client = app.ClientFor(user);
        await client.UploadForUrlAsync(TestImage.Bytes("upright.jpg"), Cancellation);
        app.Cloudinary.OnDestroy =
            new((call, _, ct) => call.Response.Body.WriteAsync("""{"result":"not found"}"""u8.ToArray(), ct).AsTask());
        await (await client.DeleteAsync("/me/upload-image", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        (await ShownAsync(client)).ShouldBeNull();
    }

    public static TheoryData<string> Faults => ["500", "401", "420", "garbage", "an empty object", "hang", "reset", "drip", "redirect"];

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task An_upload_that_fails_at_Cloudinary_is_500_in_time_and_the_previous_image_stays(string fault)
    {
        var user = await app.CreateUserAsync();
        var client = app.ClientFor(user);
        var url = await client.UploadForUrlAsync(TestImage.Png(16, 16, 255, 0, 0), Cancellation);
        var before = await RowAsync(user);

        app.Cloudinary.OnUpload = Behaviour(fault);
        var watch = Stopwatch.StartNew();
        var response = await client.UploadAsync(TestImage.Bytes("upright.jpg"), Cancellation);
        await response.ShouldBeProblemAsync(HttpStatusCode.InternalServerError, "Error uploading image");
        watch.Elapsed.ShouldBeLessThan(Deadline);
        app.Cloudinary.Calls[^1].Path.ShouldEndWith("/image/upload");
        (await RowAsync(user)).ShouldBe(before);
        (await ShownAsync(client)).ShouldBe(url);
        app.Cloudinary.Assets.Keys.ShouldContain(before.Key!);
        app.Cloudinary.ElsewhereRequests.ShouldBe(0);

        app.Cloudinary.OnUpload = CloudinaryBehaviour.Normal;
        (await client.UploadForUrlAsync(TestImage.Bytes("upright.jpg"), Cancellation)).ShouldNotBe(url);
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task A_deletion_that_fails_at_Cloudinary_is_500_in_time_and_the_image_stays(string fault)
    {
        var user = await app.CreateUserAsync();
        var client = app.ClientFor(user);
        var url = await client.UploadForUrlAsync(TestImage.Png(16, 16, 255, 0, 0), Cancellation);
        var before = await RowAsync(user);

        app.Cloudinary.OnDestroy = Behaviour(fault);
        var watch = Stopwatch.StartNew();
        var response = await client.DeleteAsync("/me/upload-image", Cancellation);
        await response.ShouldBeProblemAsync(HttpStatusCode.InternalServerError, "Error deleting image from Cloudinary");
        watch.Elapsed.ShouldBeLessThan(Deadline);
        ShouldBeDestroyOf(before.Key!);
        (await RowAsync(user)).ShouldBe(before);
        (await ShownAsync(client)).ShouldBe(url);
        // A fault after the deletion is indistinguishable from one before it.
        if (!app.Cloudinary.OnDestroy.Executes)
            app.Cloudinary.Assets.Keys.ShouldContain(before.Key!);
        app.Cloudinary.ElsewhereRequests.ShouldBe(0);

        app.Cloudinary.OnDestroy = CloudinaryBehaviour.Normal;
        await (await client.DeleteAsync("/me/upload-image", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        app.Cloudinary.Assets.Keys.ShouldNotContain(before.Key!);
    }

    [Theory]
    [InlineData("500")]
    [InlineData("hang")]
    [InlineData("garbage")]
    public async Task An_upload_succeeds_although_the_previous_image_stays_at_Cloudinary(string fault)
    {
        var user = await app.CreateUserAsync();
        var client = app.ClientFor(user);
        await client.UploadForUrlAsync(TestImage.Png(16, 16, 255, 0, 0), Cancellation);
        var previous = (await RowAsync(user)).Key!;
        app.Cloudinary.OnDestroy = Behaviour(fault);
        var url = await client.UploadForUrlAsync(TestImage.Png(16, 16, 0, 0, 255), Cancellation);

        ShouldBeDestroyOf(previous);
        (await ShownAsync(client)).ShouldBe(url);
        app.Cloudinary.Assets.Keys.ShouldContain((await RowAsync(user)).Key!);
        app.Log.ShouldContain(line => line.StartsWith("Error") && line.Contains(previous), "An operator must be able to find the orphan.");
    }

    [Fact]
    public async Task An_invalid_image_is_not_sent_to_Cloudinary()
    {
        var calls = app.Cloudinary.Calls.Count;
        var client = app.ClientFor(await app.CreateUserAsync());
        await (await client.UploadAsync(TestImage.Bytes("truncated.jpg"), Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.BadRequest, "Invalid file format");
        app.Cloudinary.Calls.Count.ShouldBe(calls);
        app.Log.ShouldContain(line => line.StartsWith("Debug") && line.Contains("VipsJpeg"),
            "The decoder's message belongs to the debug log.");
    }

    [Fact]
    public async Task Other_users_read_and_change_their_profiles_while_uploads_hang()
    {
        var users = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => app.CreateUserAsync()));
        var other = app.ClientFor(await app.CreateUserAsync());
        var calls = app.Cloudinary.Calls.Count;
        app.Cloudinary.OnUpload = CloudinaryBehaviour.Hang;
        var uploads = users.Select(user => app.ClientFor(user).UploadAsync(TestImage.Png(8, 8, 255, 0, 0), Cancellation)).ToArray();
        while (app.Cloudinary.Calls.Count == calls)
            await Task.Delay(10, Cancellation);

        (await ShownAsync(other)).ShouldBeNull();
        await (await other.PutAsJsonAsync("/me", new { name = "Jane" }, Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        (await ShownAsync(app.ClientFor(users[0]))).ShouldBeNull();
        uploads.ShouldContain(u => !u.IsCompleted, "The uploads ended before any other request was answered.");
        foreach (var upload in uploads)
            await (await upload).ShouldBeProblemAsync(HttpStatusCode.InternalServerError, "Error uploading image");
    }

    [Fact]
    public async Task The_log_names_the_failure_and_no_secret()
    {
        var client = app.ClientFor(await app.CreateUserAsync());
        var before = app.Log.Count;
        await client.UploadForUrlAsync(TestImage.Png(16, 16, 255, 0, 0), Cancellation);
        foreach (var fault in (string[])["401", "500", "garbage", "reset", "redirect"])
        {
            (app.Cloudinary.OnUpload, app.Cloudinary.OnDestroy) = (Behaviour(fault), Behaviour(fault));
            await (await client.UploadAsync(TestImage.Bytes("upright.jpg"), Cancellation))
                .ShouldBeProblemAsync(HttpStatusCode.InternalServerError);
            await (await client.DeleteAsync("/me/upload-image", Cancellation)).ShouldBeProblemAsync(HttpStatusCode.InternalServerError);
        }
        var signatures = app.Cloudinary.Calls.Select(c => c.Fields.GetValueOrDefault("signature", "")).Where(s => s.Length > 0).ToArray();
        var lines = app.Log.Skip(before).ToArray();
        lines.Count(l => l.StartsWith("Error")).ShouldBeGreaterThanOrEqualTo(10);
        signatures.ShouldNotBeEmpty();
        foreach (var line in app.Log)
        {
            line.ShouldNotContain(CloudinaryDouble.Secret);
            signatures.ShouldNotContain(s => line.Contains(s), line);
        }
    }

    CloudinaryBehaviour Behaviour(string fault) => fault switch
    {
        "garbage" => CloudinaryBehaviour.GarbageBody,
        "an empty object" => new((call, _, ct) => call.Response.Body.WriteAsync("{}"u8.ToArray(), ct).AsTask()),
        "hang" => CloudinaryBehaviour.Hang,
        "reset" => CloudinaryBehaviour.ResetMidBody,
        "drip" => CloudinaryBehaviour.Drip,
        "redirect" => CloudinaryBehaviour.Redirect(app.Cloudinary.Elsewhere),
        _ => CloudinaryBehaviour.Status(int.Parse(fault)),
    };

    void ShouldBeDestroyOf(string key)
    {
        var call = app.Cloudinary.Calls[^1];
        call.Path.ShouldEndWith("/image/destroy");
        (call.Fields["public_id"], call.Fields["invalidate"]).ShouldBe((key, "true"));
    }

    async Task<string?> ShownAsync(HttpClient client) =>
        (await (await client.GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK)).GetProperty("image_url").GetString();

    async Task<(string? Key, string? Url)> RowAsync(TestUser user)
    {
        var row = await app.QueryAsync(db => db.UserProfiles.AsNoTracking().SingleAsync(p => p.UserId == user.Id));
        return (row.Image?.Key, row.Image?.Url);
    }
}
