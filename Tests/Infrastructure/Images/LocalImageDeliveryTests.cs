using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using FastEndpoints.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Profiles.Infrastructure.Images;

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

    [Fact]
    public async Task A_picture_that_a_crash_left_waiting_is_served_at_once_and_put_in_its_place_at_the_next_start()
    {
        var (user, _) = await WithPictureAsync(Picture.Png(64, 64, 255, 0, 0));
        var (other, _) = await WithPictureAsync(Picture.Png(65, 64, 0, 0, 255));
        var (old, waiting) = (await File.ReadAllBytesAsync(FileOf(user), Cancellation), await File.ReadAllBytesAsync(FileOf(other), Cancellation));
        // As after a crash between the row and the second renaming.
        var version = Convert.ToHexStringLower(SHA256.HashData(waiting))[..8];
        await File.WriteAllBytesAsync(WaitingOf(user, version), waiting, Cancellation);
        var url = $"/static/profile/{user.Id}.jpg?v={version}";
        await app.QueryAsync(db => db.UserProfiles.Where(p => p.UserId == user.Id).ExecuteUpdateAsync(p => p.SetProperty(x => x.ImageKey, version).SetProperty(x => x.ImageUrl, url)));

        var response = await app.Client.GetAsync(url, Cancellation);
        Header(response, "Cache-Control").ShouldContain("immutable");
        (await response.Content.ReadAsByteArrayAsync(Cancellation)).ShouldBe(waiting);
        (await File.ReadAllBytesAsync(FileOf(user), Cancellation)).ShouldBe(old);

        await RestartAsync();
        Directory.EnumerateFiles(app.ImageDirectory, $"{user.Id}.*").ShouldBe([FileOf(user)]);
        (await File.ReadAllBytesAsync(FileOf(user), Cancellation)).ShouldBe(waiting);
        (await app.Client.GetByteArrayAsync(url, Cancellation)).ShouldBe(waiting);
    }

    [Fact]
    public async Task Other_remainders_go_at_the_next_start_and_halves_that_someone_may_be_writing_stay()
    {
        var (user, url) = await WithPictureAsync(Picture.Png(64, 64, 255, 0, 0));
        var shown = await File.ReadAllBytesAsync(FileOf(user), Cancellation);
        var published = WaitingOf(user, "0badf00d");
        string[] old = [published, WaitingOf(user, "0badcafe"), Half(), Path.Combine(app.ImageDirectory, "999999.0badcafe.jpg")];
        string[] young = [Half()];
        foreach (var file in old.Concat(young))
            await File.WriteAllBytesAsync(file, [0xFF, 0xD8], Cancellation);
        // What is published has its row's lock around it: that it is young is no excuse.
        foreach (var file in old.Where(f => f != published))
            File.SetLastWriteTimeUtc(file, DateTime.UtcNow.AddHours(-1));

        await RestartAsync();
        old.ShouldAllBe(file => !File.Exists(file));
        young.ShouldAllBe(file => File.Exists(file));
        (await app.Client.GetByteArrayAsync(url, Cancellation)).ShouldBe(shown);
        foreach (var file in young)
            File.Delete(file);
    }

    // What the service does when it starts.
    async Task RestartAsync()
    {
        var recovery = app.Services.GetServices<IHostedService>().OfType<LocalImageRecovery>().Single();
        await recovery.StartAsync(Cancellation);
        await recovery.ExecuteTask!;
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

    string Half() => Path.Combine(app.ImageDirectory, $".{Guid.NewGuid():N}.tmp");
}
