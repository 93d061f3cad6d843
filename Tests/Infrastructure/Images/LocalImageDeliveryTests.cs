using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Hosting;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;

namespace Profiles.Tests.Infrastructure.Images;

/// <summary>A service whose clock no other test class moves, because the age of files matters here.</summary>
public sealed class LocalImageFixture : ProfilesFixture;

/// <summary>A service in Development, where the bare path of an image is served.</summary>
public sealed class DevelopmentImageFixture : ProfilesFixture
{
    protected override void ConfigureApp(IWebHostBuilder a)
    {
        base.ConfigureApp(a);
        a.UseEnvironment("Development");
        // The lowest work factor that Development accepts.
        a.UseSetting("Passwords:WorkFactor", "10");
    }
}

public sealed class LocalImageDeliveryTests(LocalImageFixture app) : TestBase<LocalImageFixture>
{
    [Fact]
    public async Task An_image_at_its_address_is_a_safe_JPEG_that_may_be_cached_for_ever()
    {
        var (user, url) = await WithImageAsync(TestImage.Bytes("upright.jpg"));
        var response = await app.Client.GetAsync(url, Cancellation);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        response.Content.Headers.ContentType!.ToString().ShouldBe("image/jpeg");
        Header(response, "X-Content-Type-Options").ShouldBe("nosniff");
        Header(response, "Content-Security-Policy").ShouldBe("default-src 'none'; sandbox");
        Header(response, "Cross-Origin-Resource-Policy").ShouldBe("cross-origin");
        Header(response, "Cache-Control").ShouldBe("public, max-age=31536000, immutable");
        response.Headers.ETag!.IsWeak.ShouldBeFalse();
        (await response.Content.ReadAsByteArrayAsync(Cancellation)).ShouldBe(await File.ReadAllBytesAsync(FileOf(user), Cancellation));
    }

    static readonly Dictionary<string, Func<string, string>> WrongQueries = new()
    {
        ["no version"] = _ => "",
        ["an empty one"] = _ => "?v=",
        ["one of another length"] = _ => "?v=00000000",
        ["another one"] = _ => $"?v={new string('0', 32)}",
        ["the right one cut short"] = v => $"?v={v[..^1]}",
        ["the right one and more"] = v => $"?v={v}0",
        ["the right one in capitals"] = v => $"?v={v.ToUpperInvariant()}",
        ["the right one twice"] = v => $"?v={v}&v={v}",
        ["the right one under another name"] = v => $"?w={v}",
        ["a path"] = _ => "?v=../../x",
        ["a path and NUL"] = _ => "?v=..%2f..%2fdata%2fprofiles.db%00",
    };

    public static TheoryData<string> AllWrongQueries => [.. WrongQueries.Keys];

    [Theory]
    [MemberData(nameof(AllWrongQueries))]
    public async Task A_wrong_version_is_answered_like_an_unknown_user(string which)
    {
        var (user, url) = await WithImageAsync(TestImage.Bytes("upright.jpg"));
        var bare = await app.CreateUserAsync();
        foreach (var part in new[] { "", "_96" })
        {
            var answers = new List<string>();
            foreach (var id in new[] { user.Id, bare.Id, 987654321 })
            {
                var response =
                    await app.Client.GetAsync($"/static/profile/{id}{part}.jpg{WrongQueries[which](VersionOf(url))}", Cancellation);
                var problem = await response.ShouldBeProblemAsync(HttpStatusCode.NotFound);
                answers.Add(string.Join('\n', response.Headers.Select(h => $"{h.Key}: {string.Join(',', h.Value)}").Order())
                    + problem.GetRawText().Replace(problem.GetProperty("trace_id").GetString()!, ""));
            }
            answers.Distinct().ShouldHaveSingleItem($"{which}{part}");
        }
    }

    [Fact]
    public async Task Every_upload_gets_its_own_address_that_is_the_same_everywhere_and_ends_the_previous_one()
    {
        var (user, first) = await WithImageAsync(TestImage.Png(64, 64, 1, 2, 3));
        var client = app.ClientFor(user);
        var username = $"u{Guid.NewGuid():N}"[..UserProfile.UsernameMaxLength];
        using var patch = new StringContent($$"""{"username":"{{username}}","is_public":true}""",
            new MediaTypeHeaderValue("application/merge-patch+json"));
        await (await client.PatchAsync("/me", patch, Cancellation)).ShouldBeAsync(HttpStatusCode.OK);

        // The same image again.
        var put = await (await client.UploadAsync(TestImage.Png(64, 64, 1, 2, 3), Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        var url = put.GetProperty("image_url").GetString()!;
        VersionOf(url).ShouldMatch("^[0-9a-f]{32}$");
        VersionOf(url).ShouldNotBe(VersionOf(first));
        await (await app.Client.GetAsync(first, Cancellation)).ShouldBeProblemAsync(HttpStatusCode.NotFound);
        string[] variants =
            [.. ((string[])["96", "256", "512"]).Select(side => url.Replace(".jpg", $"_{side}.jpg", StringComparison.Ordinal))];
        foreach (var shown in new[] { put, await (await client.GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK),
            await (await app.Client.GetAsync($"/users/{username}", Cancellation)).ShouldBeAsync(HttpStatusCode.OK) })
        {
            shown.GetProperty("image_url").GetString().ShouldBe(url);
            shown.GetProperty("image").GetProperty("url").GetString().ShouldBe(url);
            shown.GetProperty("image").GetProperty("variants").EnumerateObject().Select(v => v.Value.GetString()).ShouldBe(variants);
        }
        foreach (var address in variants.Prepend(url))
        {
            var response = await app.Client.GetAsync(address, Cancellation);
            response.StatusCode.ShouldBe(HttpStatusCode.OK, address);
            // Neither the ETag nor the purge tag reveals the address.
            string.Join('\n', response.Headers.SelectMany(h => h.Value)).ShouldNotContain(VersionOf(url)[..8]);
        }
    }

    [Fact]
    public async Task An_image_and_its_variants_can_be_purged_from_a_cache_by_the_user_s_id()
    {
        var (user, url) = await WithImageAsync(TestImage.Png(64, 64, 255, 0, 0));
        foreach (var address in new[] { url, url.Replace(".jpg", "_96.jpg", StringComparison.Ordinal) })
        {
            var response = await app.Client.GetAsync(address, Cancellation);
            (Header(response, "Surrogate-Key"), Header(response, "Cache-Tag")).ShouldBe(($"image-{user.Id}", $"image-{user.Id}"));
            Header(await GetAsync(address, response.Headers.ETag!.ToString()), "Surrogate-Key").ShouldBe($"image-{user.Id}");
        }
    }

    [Fact]
    public async Task An_image_supports_conditional_requests_and_ignores_ranges()
    {
        var (_, url) = await WithImageAsync(TestImage.Bytes("upright.jpg"));
        var whole = await app.Client.GetAsync(url, Cancellation);
        var tag = whole.Headers.ETag!;
        var same = await GetAsync(url, tag.ToString());
        same.StatusCode.ShouldBe(HttpStatusCode.NotModified);
        (await same.Content.ReadAsByteArrayAsync(Cancellation)).ShouldBeEmpty();
        same.Headers.ETag.ShouldBe(tag);
        Header(same, "Cache-Control").ShouldBe("public, max-age=31536000, immutable");
        (await GetAsync(url, "\"another\"")).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await GetAsync(url[..url.IndexOf('?')], tag.ToString())).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        // A range request gets the whole image.
        using var part = new HttpRequestMessage(HttpMethod.Get, url) { Headers = { Range = new(0, 9) } };
        (await app.Client.SendAsync(part, Cancellation)).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    // Each before or after an image's right address.
    [Theory]
    [InlineData("+{0}.jpg")]
    [InlineData("%2b{0}.jpg")]
    [InlineData("0{0}.jpg")]
    [InlineData("{0}%20.jpg")]
    [InlineData("%20{0}.jpg")]
    [InlineData("%09{0}.jpg")]
    [InlineData("{0}%0a.jpg")]
    [InlineData("{0}.0.jpg")]
    [InlineData("{0},0.jpg")]
    [InlineData("full-width {0}.jpg")]
    [InlineData("+{0}_96.jpg")]
    [InlineData("0{0}_96.jpg")]
    [InlineData("{0}_096.jpg")]
    [InlineData("{0}_+96.jpg")]
    [InlineData("{0}_96%20.jpg")]
    [InlineData("{0}%20_96.jpg")]
    public async Task Another_spelling_of_the_id_is_404(string name)
    {
        var (user, url) = await WithImageAsync(TestImage.Png(64, 64, 255, 0, 0));
        var fullWidth = string.Concat($"{user.Id}".Select(digit => (char)(digit - '0' + '\uFF10')));
        var path = name.StartsWith("full-width ", StringComparison.Ordinal)
            ? Uri.EscapeDataString(fullWidth) + ".jpg"
            : string.Format(CultureInfo.InvariantCulture, name, user.Id);
        await (await app.Client.GetAsync($"/static/profile/{path}?v={VersionOf(url)}", Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task HEAD_has_the_same_headers_without_the_image()
    {
        var (_, url) = await WithImageAsync(TestImage.Bytes("upright.jpg"));
        var get = await app.Client.GetAsync(url, Cancellation);
        var head = await app.Client.SendAsync(new(HttpMethod.Head, url), Cancellation);
        head.StatusCode.ShouldBe(HttpStatusCode.OK);
        head.Headers.ETag.ShouldBe(get.Headers.ETag);
        head.Content.Headers.ContentType.ShouldBe(get.Content.Headers.ContentType);
        head.Content.Headers.ContentLength.ShouldBe((await get.Content.ReadAsByteArrayAsync(Cancellation)).Length);
    }

    [Theory]
    [InlineData("/static")]
    [InlineData("/static/")]
    [InlineData("/static/profile")]
    [InlineData("/static/profile/")]
    [InlineData("/static/profile/0.jpg")]
    [InlineData("/static/profile/-1.jpg")]
    [InlineData("/static/profile/999999999.jpg")]
    [InlineData("/static/profile/9223372036854775807.jpg")]
    [InlineData("/static/profile/99999999999999999999999999.jpg")]
    [InlineData("/static/profile/x.jpg")]
    [InlineData("/static/profile/{0}.jpg.jpg")]
    [InlineData("/static/profile/{0}.png")]
    [InlineData("/static/profile/{0}")]
    [InlineData("/static/profile/..%2fprofile%2f{0}.jpg")]
    [InlineData("/static/profile/..%2f..%2fdata%2fprofiles.db")]
    [InlineData("/static/profile/%2e%2e%2f%2e%2e%2fdata%2fprofiles.db")]
    [InlineData("/static/profile/..%5c..%5cdata%5cprofiles.db")]
    [InlineData("/static/..%2fdata%2fprofiles.db")]
    [InlineData("/static/profile/%252e%252e%252fdata%252fprofiles.db")]
    [InlineData("/data/profiles.db")]
    public async Task Nothing_else_is_served(string path)
    {
        var (user, _) = await WithImageAsync(TestImage.Bytes("upright.jpg"));
        File.Exists(Path.Combine(app.ImageDirectory, $"{user.Id}.jpg")).ShouldBeTrue();
        await (await app.Client.GetAsync(path.Replace("{0}", $"{user.Id}", StringComparison.Ordinal), Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task An_image_is_public_and_read_only()
    {
        var (user, url) = await WithImageAsync(TestImage.Bytes("upright.jpg"));
        foreach (var method in (HttpMethod[])[HttpMethod.Put, HttpMethod.Post, HttpMethod.Delete])
            (await app.ClientFor(user).SendAsync(new(method, url), Cancellation)).StatusCode.ShouldBe(HttpStatusCode.MethodNotAllowed);
        (await app.Client.GetAsync(url, Cancellation)).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Reads_during_a_replacement_always_get_a_whole_image()
    {
        var (user, url) = await WithImageAsync(TestImage.Png(64, 64, 255, 0, 0));
        var client = app.ClientFor(user);
        var widths = new ConcurrentDictionary<string, int>();
        using var done = new CancellationTokenSource();
        var readers = Enumerable.Range(0, 2).Select(_ => Task.Run(
            async () =>
            {
                var read = 0;
                while (!done.IsCancellationRequested || read == 0)
                {
                    var address = Volatile.Read(ref url);
                    var response = await app.Client.GetAsync(address, Cancellation);
                    // The image was replaced before the writer published the new address here, so the old one is a 404.
                    if (response.StatusCode == HttpStatusCode.NotFound)
                        continue;
                    Header(response, "Cache-Control").ShouldContain("immutable");
                    var width = Jpeg.Read(await response.Content.ReadAsByteArrayAsync(Cancellation)).Width;
                    width.ShouldBe(widths.TryGetValue(address, out var told) ? told : width);
                    read++;
                }
                return read;
            },
            Cancellation)).ToArray();
        for (var round = 0; round < 100; round++)
        {
            var next = await client.UploadForUrlAsync(TestImage.Png(64 + (round % 2), 64, (byte)round, 0, 255), Cancellation);
            widths[next] = 64 + (round % 2);
            Volatile.Write(ref url, next);
        }
        await done.CancelAsync();
        (await Task.WhenAll(readers)).Min().ShouldBeGreaterThan(20);
    }

    [Theory]
    [InlineData(96)]
    [InlineData(256)]
    [InlineData(512)]
    public async Task A_variant_may_be_cached_for_ever_and_ends_with_its_image(int side)
    {
        var (user, url) = await WithImageAsync(TestImage.Png(600, 600, 255, 0, 0));
        var address = $"/static/profile/{user.Id}_{side}.jpg?v={VersionOf(url)}";
        var response = await app.Client.GetAsync(address, Cancellation);
        Header(response, "Cache-Control").ShouldBe("public, max-age=31536000, immutable");
        response.Content.Headers.ContentType!.MediaType.ShouldBe("image/jpeg");
        Header(response, "Content-Security-Policy").ShouldBe("default-src 'none'; sandbox");
        Jpeg.Read(await response.Content.ReadAsByteArrayAsync(Cancellation)).Width.ShouldBe(side);
        (await GetAsync(address, response.Headers.ETag!.ToString())).StatusCode.ShouldBe(HttpStatusCode.NotModified);

        var next = await app.ClientFor(user).UploadForUrlAsync(TestImage.Png(600, 600, 0, 0, 255), Cancellation);
        await (await app.Client.GetAsync(address, Cancellation)).ShouldBeProblemAsync(HttpStatusCode.NotFound);
        await (await app.ClientFor(user).DeleteAsync("/me/upload-image", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        await (await app.Client.GetAsync(address.Replace(VersionOf(url), VersionOf(next)), Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.NotFound);
    }

    [Theory]
    [InlineData("97")]
    [InlineData("0")]
    [InlineData("-96")]
    [InlineData("96.0badf00d")]
    [InlineData("99999999999")]
    public async Task A_variant_of_another_size_is_404(string side)
    {
        var (user, url) = await WithImageAsync(TestImage.Png(64, 64, 255, 0, 0));
        await (await app.Client.GetAsync($"/static/profile/{user.Id}_{side}.jpg?v={VersionOf(url)}", Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task An_image_that_a_crash_left_pending_is_served_at_once_and_moved_to_its_place_by_the_outbox()
    {
        var (user, _) = await WithImageAsync(TestImage.Png(64, 64, 255, 0, 0));
        var (other, _) = await WithImageAsync(TestImage.Png(65, 64, 0, 0, 255));
        var (old, waiting) =
            (await File.ReadAllBytesAsync(FileOf(user), Cancellation), await File.ReadAllBytesAsync(FileOf(other), Cancellation));
        // The state after a crash between the row's commit and the second rename.
        var version = Convert.ToHexStringLower(SHA256.HashData(waiting))[..8];
        await File.WriteAllBytesAsync(PendingOf(user, version), waiting, Cancellation);
        var url = $"/static/profile/{user.Id}.jpg?v={Guid.NewGuid():N}";
        await app.QueryAsync(async db =>
        {
            var profile = await db.UserProfiles.SingleAsync(p => p.UserId == user.Id);
            profile.Image = profile.Image! with { Key = version, Url = url };
            return await db.SaveChangesAsync(Cancellation);
        });

        var response = await app.Client.GetAsync(url, Cancellation);
        Header(response, "Cache-Control").ShouldContain("immutable");
        (await response.Content.ReadAsByteArrayAsync(Cancellation)).ShouldBe(waiting);
        (await File.ReadAllBytesAsync(FileOf(user), Cancellation)).ShouldBe(old);

        await SettleAsync(user, OutboxState.Settling, version);
        (await File.ReadAllBytesAsync(FileOf(user), Cancellation)).ShouldBe(waiting);
        File.Exists(PendingOf(user, version)).ShouldBeFalse();
        (await app.Client.GetByteArrayAsync(url, Cancellation)).ShouldBe(waiting);
    }

    [Fact]
    public async Task The_outbox_deletes_the_files_of_an_upload_without_a_row_and_nothing_else()
    {
        var (user, url) = await WithImageAsync(TestImage.Png(64, 64, 255, 0, 0));
        var shown = await File.ReadAllBytesAsync(FileOf(user), Cancellation);
        string[] left = [PendingOf(user, "0badf00d"), Path.Combine(app.ImageDirectory, $"{user.Id}_96.0badf00d.jpg"),
            Path.Combine(app.ImageDirectory, $"{user.Id}_512.0badf00d.jpg")];
        string[] others = [PendingOf(user, "0badcafe"), Path.Combine(app.ImageDirectory, "999999.0badf00d.jpg"),
            Path.Combine(app.ImageDirectory, $".{user.Id}.999999.tmp")];
        foreach (var file in left.Concat(others))
            await File.WriteAllBytesAsync(file, [0xFF, 0xD8], Cancellation);

        await SettleAsync(user, OutboxState.Storing, "0badf00d");
        left.ShouldAllBe(file => !File.Exists(file));
        others.ShouldAllBe(file => File.Exists(file));
        (await app.Client.GetByteArrayAsync(url, Cancellation)).ShouldBe(shown);
        foreach (var file in others)
            File.Delete(file);
    }

    // An outbox entry as a crashed process leaves it, already due.
    async Task SettleAsync(TestUser user, OutboxState state, string key)
    {
        await app.QueryAsync(db =>
        {
            db.Outbox.Add(new()
            {
                Store = OutboxStore.LocalImages,
                State = state,
                UserId = user.Id,
                Key = key,
                CreatedAt = DateTime.UnixEpoch,
                DueAt = DateTime.UnixEpoch
            });
            return db.SaveChangesAsync(Cancellation);
        });
        while (await app.QueryAsync(db => db.Outbox.AnyAsync(e => e.UserId == user.Id, Cancellation)))
            await Task.Delay(50, Cancellation);
    }

    async Task<(TestUser User, string Url)> WithImageAsync(byte[] image)
    {
        var user = await app.CreateUserAsync();
        return (user, await app.ClientFor(user).UploadForUrlAsync(image, Cancellation));
    }

    async Task<HttpResponseMessage> GetAsync(string path, string ifNoneMatch)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.IfNoneMatch.Add(EntityTagHeaderValue.Parse(ifNoneMatch));
        return await app.Client.SendAsync(request, Cancellation);
    }

    static string VersionOf(string url) => url.Split("?v=")[1];

    static string Header(HttpResponseMessage response, string name) => string.Join(", ", response.Headers.GetValues(name));

    string FileOf(TestUser user) => Path.Combine(app.ImageDirectory, $"{user.Id}.jpg");

    string PendingOf(TestUser user, string version) => Path.Combine(app.ImageDirectory, $"{user.Id}.{version}.jpg");
}

/// <summary>The bare path of an image, where the setting allows it.</summary>
[Trait("Database", "Sqlite")]
public sealed class BarePathTests(DevelopmentImageFixture app) : TestBase<DevelopmentImageFixture>
{
    [Theory]
    [InlineData("", "")]
    [InlineData("", "?v=")]
    [InlineData("", "?v=00000000000000000000000000000000")]
    [InlineData("", "?v=../../x")]
    [InlineData("_96", "")]
    [InlineData("_96", "?v=00000000000000000000000000000000")]
    public async Task In_Development_the_bare_path_is_served_and_revalidated_each_time(string part, string query)
    {
        var user = await app.CreateUserAsync();
        var client = app.ClientFor(user);
        var url = await client.UploadForUrlAsync(TestImage.Png(64, 64, 255, 0, 0), Cancellation);
        (await app.Client.GetAsync(url, Cancellation)).Headers.CacheControl!.ToString().ShouldContain("immutable");

        var path = $"/static/profile/{user.Id}{part}.jpg{query}";
        var response = await app.Client.GetAsync(path, Cancellation);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        response.Headers.CacheControl!.ToString().ShouldBe("no-cache");
        using var again = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { IfNoneMatch = { response.Headers.ETag! } } };
        (await app.Client.SendAsync(again, Cancellation)).StatusCode.ShouldBe(HttpStatusCode.NotModified);

        await client.UploadForUrlAsync(TestImage.Png(64, 64, 0, 0, 255), Cancellation);
        (await app.Client.GetAsync(path, Cancellation)).Headers.ETag.ShouldNotBe(response.Headers.ETag);
        await (await client.DeleteAsync("/me/upload-image", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        await (await app.Client.GetAsync(path, Cancellation)).ShouldBeProblemAsync(HttpStatusCode.NotFound);
    }
}
