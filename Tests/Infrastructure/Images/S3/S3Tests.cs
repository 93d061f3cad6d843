using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Hosting;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Decoding.Worker.Protocol;
using Profiles.Infrastructure.Images.S3;

namespace Profiles.Tests.Infrastructure.Images.S3;

/// <summary>A service that stores its images in a bucket of a real server, which a test starts.</summary>
public class S3Fixture : ProfilesFixture
{
    public S3Server S3 { get; } = new();

    protected override ValueTask TearDownAsync() => S3.DisposeAsync();

    protected override void ConfigureApp(IWebHostBuilder a)
    {
        base.ConfigureApp(a);
        a.UseSetting("Images:Storage", "S3");
        foreach (var (name, value) in S3.Settings)
            a.UseSetting(name.Replace("__", ":"), value);
    }
}

/// <summary>Images in a bucket that nobody reads without a signature.</summary>
// The database plays no part: one engine is enough.
[Trait("Database", "Sqlite")]
[Trait("Needs", "Process")]
public sealed class S3Tests(S3Fixture app) : TestBase<S3Fixture>
{
    static readonly HttpClient Plain = new();

    protected override ValueTask TearDownAsync()
    {
        app.Clock.Reset();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task An_image_and_its_variants_load_at_presigned_addresses_only()
    {
        await app.S3.StartAsync();
        var user = await app.CreateUserAsync();
        var url = await app.ClientFor(user).UploadForUrlAsync(TestImage.Bytes("upright.jpg"), Cancellation);
        var image = (await MeAsync(user)).GetProperty("image");
        image.GetProperty("url").GetString().ShouldBe(url);
        var variants = image.GetProperty("variants").EnumerateObject().ToDictionary(v => int.Parse(v.Name), v => v.Value.GetString()!);
        variants.Keys.Order().ShouldBe(ProcessedImage.Sides);
        foreach (var address in variants.Values.Append(url))
        {
            using var shown = await Plain.GetAsync(address, Cancellation);
            shown.StatusCode.ShouldBe(HttpStatusCode.OK, await shown.Content.ReadAsStringAsync(Cancellation));
            shown.Content.Headers.ContentType.ShouldBe(new("image/jpeg"));
            shown.Headers.CacheControl!.ToString().ShouldBe("public, max-age=31536000, immutable");
            // Swift answers 400 to what is neither signed nor in its own form.
            (await StatusAsync(address.Split('?')[0])).ShouldBe(HttpStatusCode.BadRequest);
            foreach (var other in (string[])[address[..^1] + (address[^1] == '0' ? '1' : '0'), address.Replace(".jpg?", "_64.jpg?")])
                (await StatusAsync(other)).ShouldBe(HttpStatusCode.Forbidden, other);
        }
        var size = Jpeg.Read(await Plain.GetByteArrayAsync(url, Cancellation));
        (size.Width, size.Height).ShouldBe((image.GetProperty("width").GetInt32(), image.GetProperty("height").GetInt32()));
        Jpeg.Read(await Plain.GetByteArrayAsync(variants[96], Cancellation)).Width.ShouldBe(96);
        var key = await KeyAsync(user);
        key.ShouldMatch("^[0-9a-f]{32}$");
        string[] ends = [".jpg", "_256.jpg", "_512.jpg", "_96.jpg"];
        (await NamesOfAsync(key)).ShouldBe(ends.Select(end => $"profile_images/{key}{end}"));

        await using var export = await (await app.ClientFor(user).GetAsync("/me/export", Cancellation)).Content
            .ReadAsStreamAsync(Cancellation);
        await using var zip = new ZipArchive(export);
        zip.GetEntry("picture.jpg")!.Length.ShouldBe(image.GetProperty("bytes").GetInt32());
    }

    [Fact]
    public async Task A_replaced_and_a_deleted_image_are_gone_from_the_bucket()
    {
        await app.S3.StartAsync();
        var user = await app.CreateUserAsync();
        var client = app.ClientFor(user);
        var first = await client.UploadForUrlAsync(TestImage.Png(16, 16, 255, 0, 0), Cancellation);
        var before = await KeyAsync(user);
        var second = await client.UploadForUrlAsync(TestImage.Png(16, 16, 0, 0, 255), Cancellation);
        (await NamesOfAsync(before)).ShouldBeEmpty();
        (await NamesOfAsync(await KeyAsync(user))).Length.ShouldBe(4);
        (await StatusAsync(first), await StatusAsync(second)).ShouldBe((HttpStatusCode.NotFound, HttpStatusCode.OK));

        await (await client.DeleteAsync("/me/upload-image", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        (await StatusAsync(second)).ShouldBe(HttpStatusCode.NotFound);
        (await MeAsync(user)).GetProperty("image_url").ValueKind.ShouldBe(JsonValueKind.Null);
        (await app.QueryAsync(db => db.Outbox.CountAsync(e => e.UserId == user.Id))).ShouldBe(0);
    }

    [Fact]
    public async Task An_address_and_the_tag_stay_for_half_of_the_lifetime_and_the_address_expires_after_it()
    {
        await app.S3.StartAsync();
        // Three days ago.
        app.Clock.Advance(TimeSpan.FromDays(-3));
        var user = await app.CreateUserAsync();
        await app.ClientFor(user).UploadForUrlAsync(TestImage.Png(16, 16, 255, 0, 0), Cancellation);
        var seen = new List<(string Url, string Tag)>();
        // The lifetime is two days: an address stays for one, which may end within any eight hours.
        for (var hours = 0; hours <= 72; hours += 8)
        {
            user = await app.LogInAsync(user);
            using var me = await app.ClientFor(user).GetAsync("/me", Cancellation);
            var url = (await me.ShouldBeAsync(HttpStatusCode.OK)).GetProperty("image_url").GetString()!;
            seen.Add((url, me.Headers.ETag!.Tag));
            app.Clock.Advance(TimeSpan.FromHours(8));
        }
        seen.Distinct().Count().ShouldBe(4);
        seen.DistinctBy(s => s.Url).Count().ShouldBe(4);
        seen.DistinctBy(s => s.Tag).Count().ShouldBe(4);
        (await StatusAsync(seen[0].Url), await StatusAsync(seen[^1].Url)).ShouldBe((HttpStatusCode.Forbidden, HttpStatusCode.OK));
    }

    [Fact]
    public async Task An_address_with_the_bucket_in_its_host_name_loads_too()
    {
        await app.S3.StartAsync();
        var user = await app.CreateUserAsync();
        await app.ClientFor(user).UploadForUrlAsync(TestImage.Png(16, 16, 255, 0, 0), Cancellation);
        var settings = Options.Create(new S3Options
        {
            Bucket = S3Server.Bucket,
            Endpoint = app.S3.Address.Replace("127.0.0.1", "localhost", StringComparison.Ordinal),
            AccessKey = S3Server.AccessKey,
            SecretKey = S3Server.SecretKey,
            PathStyle = false,
        });
        var addresses = new S3Addresses(settings, app.Clock);
        var url = new Uri(addresses.Of(await KeyAsync(user), side: 96)!);
        (url.Host, url.Segments[1]).ShouldBe(($"{S3Server.Bucket}.localhost", "profile_images/"));
        // Not every machine resolves such a name.
        using var request = new HttpRequestMessage(HttpMethod.Get, app.S3.Address + url.PathAndQuery);
        request.Headers.Host = url.Authority;
        using var shown = await Plain.SendAsync(request, Cancellation);
        shown.StatusCode.ShouldBe(HttpStatusCode.OK, await shown.Content.ReadAsStringAsync(Cancellation));
    }

    [Fact]
    public async Task Without_the_server_uploads_and_deletions_fail_and_the_image_stays()
    {
        await app.S3.StartAsync();
        var user = await app.CreateUserAsync();
        var client = app.ClientFor(user);
        var url = await client.UploadForUrlAsync(TestImage.Png(16, 16, 255, 0, 0), Cancellation);
        var key = await KeyAsync(user);
        app.S3.Kill();
        await (await client.UploadAsync(TestImage.Png(16, 16, 0, 0, 255), Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.InternalServerError, "Error uploading image");
        await (await client.DeleteAsync("/me/upload-image", Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.InternalServerError, "Error deleting image");
        (await KeyAsync(user)).ShouldBe(key);

        await app.S3.StartAsync();
        (await StatusAsync(url)).ShouldBe(HttpStatusCode.OK);
        await DrainAsync();
        (await NamesOfAsync(key)).Length.ShouldBe(4);
        (await MeAsync(user)).GetProperty("image_url").GetString().ShouldBe(url);
        (await app.S3.NamesAsync()).Length.ShouldBe(
            4 * await app.QueryAsync(db => db.UserProfiles.CountAsync(p => p.Image != null, Cancellation)));
    }

    [Fact]
    public async Task The_outbox_deletes_the_image_of_a_deleted_account_once_the_server_is_back()
    {
        await app.S3.StartAsync();
        var user = await app.CreateUserAsync();
        await app.ClientFor(user).UploadForUrlAsync(TestImage.Png(16, 16, 255, 0, 0), Cancellation);
        var key = await KeyAsync(user);
        app.S3.Kill();
        using var deletion = new HttpRequestMessage(HttpMethod.Delete, "/me");
        deletion.Content = JsonContent.Create(new { password = user.Password });
        (await app.ClientFor(user).SendAsync(deletion, Cancellation)).EnsureSuccessStatusCode();
        (await app.QueryAsync(db => db.Outbox.CountAsync(e => e.Key == key, Cancellation))).ShouldBe(1);

        await app.S3.StartAsync();
        (await NamesOfAsync(key)).Length.ShouldBe(4);
        await DrainAsync();
        (await NamesOfAsync(key)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Check_finds_missing_damaged_and_orphaned_objects()
    {
        await app.S3.StartAsync();
        var users = new List<TestUser>();
        for (var each = 0; each < 3; each++)
        {
            users.Add(await app.CreateUserAsync());
            await app.ClientFor(users[^1]).UploadForUrlAsync(TestImage.Png(16, 16, 255, 0, 0), Cancellation);
        }
        await DrainAsync();
        var (sound, calm, _) = await app.RunAsync("check");
        (sound, calm.EndsWith(": no fault.\n", StringComparison.Ordinal)).ShouldBe((0, true), calm);

        var keys = new[] { await KeyAsync(users[0]), await KeyAsync(users[1]), await KeyAsync(users[2]) };
        await app.S3.Client.DeleteObjectAsync(S3Server.Bucket, $"profile_images/{keys[0]}.jpg", Cancellation);
        await app.S3.Client.DeleteObjectAsync(S3Server.Bucket, $"profile_images/{keys[1]}_256.jpg", Cancellation);
        foreach (var name in (string[])[$"profile_images/{keys[2]}.jpg", "profile_images/stray.jpg", "elsewhere.jpg"])
            await app.S3.Client.PutObjectAsync(
                new() { BucketName = S3Server.Bucket, Key = name, ContentBody = "stray", UseChunkEncoding = false }, Cancellation);
        // Nothing young is an orphan.
        app.Clock.Advance(TimeSpan.FromHours(1));
        var (exitCode, said, _) = await app.RunAsync("check");
        exitCode.ShouldBe(1);
        said.Split('\n')[..^2].ShouldBe(
        [
            $"The image of user {users[0].Id} is missing in S3 (profile_images/{keys[0]}.jpg).",
            $"The image of user {users[1].Id} is missing in S3 (profile_images/{keys[1]}_256.jpg).",
            $"The image of user {users[2].Id} has 5 bytes in S3 instead of {await BytesAsync(users[2])}.",
            "The object profile_images/stray.jpg belongs to no profile.",
        ]);

        // What is missing can be deleted.
        app.Clock.Reset();
        await (await app.ClientFor(users[0]).DeleteAsync("/me/upload-image", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        foreach (var user in users[1..])
            await app.ClientFor(user).UploadForUrlAsync(TestImage.Png(16, 16, 255, 0, 0), Cancellation);
        await app.S3.Client.DeleteObjectAsync(S3Server.Bucket, "profile_images/stray.jpg", Cancellation);
        await app.S3.Client.DeleteObjectAsync(S3Server.Bucket, "elsewhere.jpg", Cancellation);
    }

    async Task DrainAsync()
    {
        app.Clock.Advance(TimeSpan.FromMinutes(30));
        while (await app.QueryAsync(db => db.Outbox.AnyAsync(Cancellation)))
        {
            await Task.Delay(100, Cancellation);
            app.Clock.Advance(TimeSpan.FromMinutes(1));
        }
        app.Clock.Reset();
    }

    async Task<JsonElement> MeAsync(TestUser user) =>
        await (await app.ClientFor(user).GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);

    async Task<HttpStatusCode> StatusAsync(string url)
    {
        using var response = await Plain.GetAsync(url, Cancellation);
        return response.StatusCode;
    }

    async Task<string> KeyAsync(TestUser user) => (await RowAsync(user)).Key;

    async Task<int> BytesAsync(TestUser user) => (await RowAsync(user)).Bytes;

    async Task<Profiles.Data.ProfileImage> RowAsync(TestUser user) =>
        (await app.QueryAsync(db => db.UserProfiles.AsNoTracking().SingleAsync(p => p.UserId == user.Id, Cancellation))).Image!;

    async Task<string[]> NamesOfAsync(string key) =>
        [.. (await app.S3.NamesAsync()).Where(n => n.Contains(key)).Order(StringComparer.Ordinal)];
}

/// <summary>A bucket that everybody can read.</summary>
public sealed class PublicS3Fixture : S3Fixture
{
    protected override void ConfigureApp(IWebHostBuilder a)
    {
        base.ConfigureApp(a);
        a.UseSetting("S3:PublicAddress", $"{S3.PublicAddress}/");
    }
}

/// <summary>Images in a bucket that everybody can read.</summary>
[Trait("Database", "Sqlite")]
[Trait("Needs", "Process")]
public sealed class PublicS3Tests(PublicS3Fixture app) : TestBase<PublicS3Fixture>
{
    [Fact]
    public async Task An_image_has_a_public_address_that_does_not_change()
    {
        await app.S3.StartAsync();
        await app.S3.OpenAsync();
        var client = app.ClientFor(await app.CreateUserAsync());
        var url = await client.UploadForUrlAsync(TestImage.Bytes("upright.jpg"), Cancellation);
        url.ShouldMatch($"^{app.S3.PublicAddress}/profile_images/[0-9a-f]{{32}}\\.jpg$");
        using var http = new HttpClient();
        Jpeg.Read(await http.GetByteArrayAsync(url, Cancellation)).Width.ShouldBeGreaterThan(0);
        var me = await client.GetAsync("/me", Cancellation);
        var image = (await me.ShouldBeAsync(HttpStatusCode.OK)).GetProperty("image");
        foreach (var variant in image.GetProperty("variants").EnumerateObject())
        {
            variant.Value.GetString().ShouldBe(url.Replace(".jpg", $"_{variant.Name}.jpg"));
            var size = Jpeg.Read(await http.GetByteArrayAsync(variant.Value.GetString(), Cancellation));
            size.Width.ShouldBeInRange(96, int.Parse(variant.Name));
        }
        client.DefaultRequestHeaders.IfNoneMatch.Add(EntityTagHeaderValue.Parse($"{me.Headers.ETag}"));
        (await client.GetAsync("/me", Cancellation)).StatusCode.ShouldBe(HttpStatusCode.NotModified);
    }
}

/// <summary>A secret that the server does not know.</summary>
public sealed class WrongS3KeyFixture : S3Fixture
{
    public const string Secret = "not-the-secret-7Qx";

    protected override void ConfigureApp(IWebHostBuilder a)
    {
        base.ConfigureApp(a);
        a.UseSetting("S3:SecretKey", Secret);
    }
}

/// <summary>A service whose key is refused.</summary>
[Trait("Database", "Sqlite")]
[Trait("Needs", "Process")]
public sealed class WrongS3KeyTests(WrongS3KeyFixture app) : TestBase<WrongS3KeyFixture>
{
    [Fact]
    public async Task A_wrong_key_fails_uploads_and_shows_in_readiness_and_leaves_nothing_to_do()
    {
        await app.S3.StartAsync();
        var user = await app.CreateUserAsync();
        await (await app.ClientFor(user).UploadAsync(TestImage.Png(16, 16, 255, 0, 0), Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.InternalServerError, "Error uploading image");
        (await app.QueryAsync(db => db.Outbox.CountAsync(e => e.UserId == user.Id && e.Mail == null, Cancellation))).ShouldBe(0);
        var ready = await (await app.Client.GetAsync("/health/ready", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        ready.GetProperty("status").GetString().ShouldBe("degraded");
        var (exitCode, said, error) = await app.RunAsync("check");
        exitCode.ShouldBe(1);
        (said + error).ShouldContain("S3 refused with 403: SignatureDoesNotMatch");
        (said + error).ShouldNotContain(WrongS3KeyFixture.Secret);
    }
}
