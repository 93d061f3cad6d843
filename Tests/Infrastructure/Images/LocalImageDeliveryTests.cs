using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using FastEndpoints.Testing;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;

namespace Profiles.Tests.Infrastructure.Images;

/// <summary>A service whose clock no other class moves: the age of files counts here.</summary>
public sealed class LocalImageFixture : ProfilesFixture;

public sealed class LocalImageDeliveryTests(LocalImageFixture app) : TestBase<LocalImageFixture>
{
    [Fact]
    public async Task A_picture_at_its_address_is_a_safe_jpeg_that_may_be_kept_for_ever()
    {
        var (user, url) = await WithPictureAsync(Picture.Bytes("upright.jpg"));
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

    [Theory]
    [InlineData("")]
    [InlineData("?v=")]
    [InlineData("?v=00000000")]
    [InlineData("?v=../../x")]
    [InlineData("?v=..%2f..%2fdata%2fprofiles.db%00")]
    public async Task Without_the_right_version_it_is_checked_each_time(string query)
    {
        var (user, _) = await WithPictureAsync(Picture.Bytes("upright.jpg"));
        var path = $"/static/profile/{user.Id}.jpg{query}";
        var response = await app.Client.GetAsync(path, Cancellation);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        Header(response, "Cache-Control").ShouldBe("no-cache");
        var tag = response.Headers.ETag!;
        tag.IsWeak.ShouldBeFalse();

        var same = await GetAsync(path, tag.ToString());
        same.StatusCode.ShouldBe(HttpStatusCode.NotModified);
        (await same.Content.ReadAsByteArrayAsync(Cancellation)).ShouldBeEmpty();
        same.Headers.ETag.ShouldBe(tag);
        Header(same, "Cache-Control").ShouldBe("no-cache");
        (await GetAsync(path, "\"another\"")).StatusCode.ShouldBe(HttpStatusCode.OK);

        await app.ClientFor(user).PutUpAsync(Picture.Png(8, 8, 1, 2, 3), Cancellation);
        var changed = await GetAsync(path, tag.ToString());
        changed.StatusCode.ShouldBe(HttpStatusCode.OK);
        changed.Headers.ETag.ShouldNotBe(tag);
    }

    [Fact]
    public async Task HEAD_says_the_same_without_the_picture()
    {
        var (_, url) = await WithPictureAsync(Picture.Bytes("upright.jpg"));
        var get = await app.Client.GetAsync(url, Cancellation);
        var head = await app.Client.SendAsync(new(HttpMethod.Head, url), Cancellation);
        head.StatusCode.ShouldBe(HttpStatusCode.OK);
        head.Headers.ETag.ShouldBe(get.Headers.ETag);
        head.Content.Headers.ContentType.ShouldBe(get.Content.Headers.ContentType);
        head.Content.Headers.ContentLength.ShouldBe((await get.Content.ReadAsByteArrayAsync(Cancellation)).Length);
    }

    [Fact]
    public async Task The_address_of_a_picture_that_was_replaced_is_not_kept()
    {
        var (user, old) = await WithPictureAsync(Picture.Bytes("upright.jpg"));
        var url = await app.ClientFor(user).PutUpAsync(Picture.Png(8, 8, 1, 2, 3), Cancellation);
        url.ShouldNotBe(old);
        Header(await app.Client.GetAsync(url, Cancellation), "Cache-Control").ShouldContain("immutable");
        var response = await app.Client.GetAsync(old, Cancellation);
        Header(response, "Cache-Control").ShouldBe("no-cache");
        Jpeg.Read(await response.Content.ReadAsByteArrayAsync(Cancellation)).Width.ShouldBe(8);
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
    [InlineData("/static/profile/1.jpg.jpg")]
    [InlineData("/static/profile/1.png")]
    [InlineData("/static/profile/1")]
    [InlineData("/static/profile/..%2fprofile%2f1.jpg")]
    [InlineData("/static/profile/..%2f..%2fdata%2fprofiles.db")]
    [InlineData("/static/profile/%2e%2e%2f%2e%2e%2fdata%2fprofiles.db")]
    [InlineData("/static/profile/..%5c..%5cdata%5cprofiles.db")]
    [InlineData("/static/..%2fdata%2fprofiles.db")]
    [InlineData("/static/profile/%252e%252e%252fdata%252fprofiles.db")]
    [InlineData("/data/profiles.db")]
    public async Task Nothing_else_is_served(string path)
    {
        // So that 1.jpg is there.
        await WithPictureAsync(Picture.Bytes("upright.jpg"));
        File.Exists(Path.Combine(app.ImageDirectory, "1.jpg")).ShouldBeTrue();
        await (await app.Client.GetAsync(path, Cancellation)).ShouldBeProblemAsync(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task A_picture_is_public_and_only_read()
    {
        var (user, url) = await WithPictureAsync(Picture.Bytes("upright.jpg"));
        foreach (var method in (HttpMethod[])[HttpMethod.Put, HttpMethod.Post, HttpMethod.Delete])
            (await app.ClientFor(user).SendAsync(new(method, url), Cancellation)).StatusCode.ShouldBe(HttpStatusCode.MethodNotAllowed);
        (await app.Client.GetAsync(url, Cancellation)).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Who_reads_while_it_is_replaced_gets_a_whole_picture_each_time()
    {
        var (user, first) = await WithPictureAsync(Picture.Png(64, 64, 255, 0, 0));
        var client = app.ClientFor(user);
        var url = first;
        using var done = new CancellationTokenSource();
        var readers = Enumerable.Range(0, 2).Select(reader => Task.Run(
            async () =>
            {
                var read = 0;
                for (; !done.IsCancellationRequested || read == 0; read++)
                {
                    // One always asks for what the profile shows, the other for whatever is there.
                    var address = reader == 0 ? Volatile.Read(ref url) : first[..first.IndexOf('?')];
                    Jpeg.Read(await app.Client.GetByteArrayAsync(address, Cancellation)).Width.ShouldBeOneOf(64, 65);
                }
                return read;
            },
            Cancellation)).ToArray();
        for (var round = 0; round < 100; round++)
            Volatile.Write(ref url, await client.PutUpAsync(Picture.Png(64 + (round % 2), 64, (byte)round, 0, 255), Cancellation));
        await done.CancelAsync();
        (await Task.WhenAll(readers)).Min().ShouldBeGreaterThan(20);
    }

    [Theory]
    [InlineData(96)]
    [InlineData(256)]
    [InlineData(512)]
    public async Task A_variant_is_kept_for_ever_by_its_version_and_checked_by_its_tag_without(int side)
    {
        var (user, url) = await WithPictureAsync(Picture.Png(600, 600, 255, 0, 0));
        var (path, version) = ($"/static/profile/{user.Id}_{side}.jpg", url[^8..]);
        var exact = await app.Client.GetAsync($"{path}?v={version}", Cancellation);
        Header(exact, "Cache-Control").ShouldBe("public, max-age=31536000, immutable");
        exact.Content.Headers.ContentType!.MediaType.ShouldBe("image/jpeg");
        Header(exact, "Content-Security-Policy").ShouldBe("default-src 'none'; sandbox");
        var jpeg = await exact.Content.ReadAsByteArrayAsync(Cancellation);
        Jpeg.Read(jpeg).Width.ShouldBe(side);

        foreach (var loose in new[] { path, $"{path}?v=0badf00d", $"{path}?v=../../x" })
        {
            var response = await app.Client.GetAsync(loose, Cancellation);
            Header(response, "Cache-Control").ShouldBe("no-cache", loose);
            response.Headers.ETag.ShouldBe(exact.Headers.ETag);
            (await response.Content.ReadAsByteArrayAsync(Cancellation)).ShouldBe(jpeg);
        }
        (await GetAsync(path, exact.Headers.ETag!.ToString())).StatusCode.ShouldBe(HttpStatusCode.NotModified);

        // Another picture: the old address shows the new variant, and says that it may not be kept.
        await app.ClientFor(user).PutUpAsync(Picture.Png(600, 600, 0, 0, 255), Cancellation);
        var replaced = await app.Client.GetAsync($"{path}?v={version}", Cancellation);
        Header(replaced, "Cache-Control").ShouldBe("no-cache");
        (await replaced.Content.ReadAsByteArrayAsync(Cancellation)).ShouldNotBe(jpeg);
        await (await app.ClientFor(user).DeleteAsync("/me/upload-image", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        await (await app.Client.GetAsync($"{path}?v={version}", Cancellation)).ShouldBeProblemAsync(HttpStatusCode.NotFound);
    }

    [Theory]
    [InlineData("97")]
    [InlineData("0")]
    [InlineData("-96")]
    [InlineData("96.0badf00d")]
    [InlineData("99999999999")]
    public async Task There_is_no_variant_of_another_size(string side)
    {
        var (user, url) = await WithPictureAsync(Picture.Png(64, 64, 255, 0, 0));
        await (await app.Client.GetAsync($"/static/profile/{user.Id}_{side}.jpg?v={url[^8..]}", Cancellation)).ShouldBeProblemAsync(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task A_picture_that_a_crash_left_waiting_is_served_at_once_and_put_in_its_place_by_the_outbox()
    {
        var (user, _) = await WithPictureAsync(Picture.Png(64, 64, 255, 0, 0));
        var (other, _) = await WithPictureAsync(Picture.Png(65, 64, 0, 0, 255));
        var (old, waiting) = (await File.ReadAllBytesAsync(FileOf(user), Cancellation), await File.ReadAllBytesAsync(FileOf(other), Cancellation));
        // As after a crash between the row and the second renaming.
        var version = Convert.ToHexStringLower(SHA256.HashData(waiting))[..8];
        await File.WriteAllBytesAsync(WaitingOf(user, version), waiting, Cancellation);
        var url = $"/static/profile/{user.Id}.jpg?v={version}";
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
        File.Exists(WaitingOf(user, version)).ShouldBeFalse();
        (await app.Client.GetByteArrayAsync(url, Cancellation)).ShouldBe(waiting);
    }

    [Fact]
    public async Task What_an_upload_left_that_did_not_get_to_the_row_is_removed_by_the_outbox_and_nothing_else()
    {
        var (user, url) = await WithPictureAsync(Picture.Png(64, 64, 255, 0, 0));
        var shown = await File.ReadAllBytesAsync(FileOf(user), Cancellation);
        string[] left = [WaitingOf(user, "0badf00d"), Path.Combine(app.ImageDirectory, $"{user.Id}_96.0badf00d.jpg"), Path.Combine(app.ImageDirectory, $"{user.Id}_512.0badf00d.jpg")];
        string[] others = [WaitingOf(user, "0badcafe"), Path.Combine(app.ImageDirectory, "999999.0badf00d.jpg"), Path.Combine(app.ImageDirectory, $".{user.Id}.999999.tmp")];
        foreach (var file in left.Concat(others))
            await File.WriteAllBytesAsync(file, [0xFF, 0xD8], Cancellation);

        await SettleAsync(user, OutboxState.Storing, "0badf00d");
        left.ShouldAllBe(file => !File.Exists(file));
        others.ShouldAllBe(file => File.Exists(file));
        (await app.Client.GetByteArrayAsync(url, Cancellation)).ShouldBe(shown);
        foreach (var file in others)
            File.Delete(file);
    }

    // As a process that died has left it; the service finds it due.
    async Task SettleAsync(TestUser user, OutboxState state, string key)
    {
        await app.QueryAsync(db =>
        {
            db.Outbox.Add(new() { Store = OutboxStore.LocalImages, State = state, UserId = user.Id, Key = key, CreatedAt = DateTime.UnixEpoch, DueAt = DateTime.UnixEpoch });
            return db.SaveChangesAsync(Cancellation);
        });
        while (await app.QueryAsync(db => db.Outbox.AnyAsync(e => e.UserId == user.Id, Cancellation)))
            await Task.Delay(50, Cancellation);
    }

    async Task<(TestUser User, string Url)> WithPictureAsync(byte[] picture)
    {
        var user = await app.CreateUserAsync();
        return (user, await app.ClientFor(user).PutUpAsync(picture, Cancellation));
    }

    async Task<HttpResponseMessage> GetAsync(string path, string ifNoneMatch)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.IfNoneMatch.Add(EntityTagHeaderValue.Parse(ifNoneMatch));
        return await app.Client.SendAsync(request, Cancellation);
    }

    static string Header(HttpResponseMessage response, string name) => string.Join(", ", response.Headers.GetValues(name));

    string FileOf(TestUser user) => Path.Combine(app.ImageDirectory, $"{user.Id}.jpg");

    string WaitingOf(TestUser user, string version) => Path.Combine(app.ImageDirectory, $"{user.Id}.{version}.jpg");
}
