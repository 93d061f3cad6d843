using System.Diagnostics;
using System.IO.Compression;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Hosting;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Decoding;
using Profiles.Infrastructure.Decoding.Worker.Protocol;

namespace Profiles.Tests.Features.UploadImage;

/// <summary>A service whose image directory belongs to one test class, because some tests break it for a moment.</summary>
public sealed class UploadImageFixture : ProfilesFixture
{
    public const int MaxBytes = 1_000_000;

    protected override void ConfigureApp(IWebHostBuilder a)
    {
        base.ConfigureApp(a);
        a.UseSetting("Images:MaxBytes", $"{MaxBytes}");
    }
}

public sealed class UploadImageTests(UploadImageFixture app) : TestBase<UploadImageFixture>
{
    // The markers of tables, frames and scans; all others are metadata: APP1 to APP15 (EXIF, XMP, ICC, IPTC) and comments.
    static readonly byte[] ImageMarkers = [0xC0, 0xC2, 0xC4, 0xDA, 0xDB, 0xDD, 0xE0];

    public static MatrixTheoryData<string, string> NamesAndPaths => new(["image", "file", "photo"], TestImage.Addresses);

    [Theory]
    [MemberData(nameof(NamesAndPaths))]
    public async Task An_image_is_stored_and_shown_under_every_field_name_and_path(string field, string path)
    {
        var user = await app.CreateUserAsync();
        var client = app.ClientFor(user);
        var body = await (await client.UploadAsync(TestImage.Bytes("upright.jpg"), Cancellation, field, path))
            .ShouldBeAsync(HttpStatusCode.OK);

        body.Names().ShouldBe(["message", "image_url", "image"]);
        body.GetProperty("message").GetString().ShouldBe("Upload successful");
        var stored = await File.ReadAllBytesAsync(FileOf(user), Cancellation);
        var version = Convert.ToHexStringLower(SHA256.HashData(stored))[..8];
        var url = body.GetProperty("image_url").GetString()!;
        url.ShouldMatch($"^{ProfilesFixture.BaseUrl}/static/profile/{user.Id}\\.jpg\\?v=[0-9a-f]{{32}}$");
        var row = await RowAsync(user);
        row.Image!.Key.ShouldBe(version);
        row.Image.Url.ShouldBe(url[ProfilesFixture.BaseUrl.Length..]);
        (await ShownAsync(client)).ShouldBe(url);
        (await client.GetByteArrayAsync(url, Cancellation)).ShouldBe(stored);
        Jpeg.Read(stored).Width.ShouldBe(320);
    }

    public static TheoryData<string, int, int, double> Scenes => new()
    {
        { "upright.jpg", 320, 240, 8 }, { "gps.jpg", 320, 240, 8 }, { "progressive.jpg", 320, 240, 8 }, { "display-p3.jpg", 320, 240, 8 },
        { "large.jpg", 1024, 683, 8 },
        { "orientation-1.jpg", 320, 240, 8 }, { "orientation-2.jpg", 320, 240, 8 }, { "orientation-3.jpg", 320, 240, 8 },
        { "orientation-4.jpg", 320, 240, 8 },
        { "orientation-5.jpg", 320, 240, 8 }, { "orientation-6.jpg", 320, 240, 8 }, { "orientation-7.jpg", 320, 240, 8 },
        { "orientation-8.jpg", 320, 240, 8 },
        { "palette.png", 200, 150, 12 }, { "interlaced.png", 200, 150, 8 }, { "photo.webp", 320, 240, 8 },
        { "animated.webp", 160, 120, 30 }, { "animated.gif", 160, 120, 30 }, { "photo.heic", 320, 240, 12 }, { "photo.avif", 320, 240, 12 },
        // CMYK without a profile is duller.
        { "cmyk.jpg", 320, 240, 80 },
    };

    [Theory, Trait("Database", "Sqlite")]
    [MemberData(nameof(Scenes))]
    public async Task Every_accepted_image_comes_back_upright_and_without_metadata(string name, int width, int height, double difference)
    {
        var stored = await StoreAsync(TestImage.Bytes(name));

        var jpeg = Jpeg.Read(stored);
        (jpeg.Width, jpeg.Height, jpeg.Channels).ShouldBe((width, height, 3));
        jpeg.Markers.ShouldBeSubsetOf(ImageMarkers);
        foreach (var word in (string[])["Exif", "http://ns.adobe.com/xap", "Photoshop", "ICC_PROFILE"])
            stored.AsSpan().IndexOf(Encoding.ASCII.GetBytes(word)).ShouldBe(-1, word);
        TestImage.Difference(TestImage.Look(stored), TestImage.Look(TestImage.Bytes("upright.jpg"))).ShouldBeLessThan(difference);
    }

    [Fact, Trait("Database", "Sqlite")]
    public void The_orientations_of_the_scene_look_different_before_they_are_applied() =>
        TestImage.Difference(TestImage.Look(TestImage.Bytes("orientation-3.jpg")), TestImage.Look(TestImage.Bytes("upright.jpg")))
            .ShouldBeGreaterThan(100);

    [Theory, Trait("Database", "Sqlite")]
    [InlineData("grey.jpg", 320, 240)]
    [InlineData("alpha.png", 200, 150)]
    [InlineData("grey16-alpha.png", 120, 90)]
    public async Task Grey_deep_and_transparent_images_become_colours_on_white(string name, int width, int height)
    {
        var stored = await StoreAsync(TestImage.Bytes(name));
        var jpeg = Jpeg.Read(stored);
        (jpeg.Width, jpeg.Height, jpeg.Channels).ShouldBe((width, height, 3));
        var look = TestImage.Look(stored);
        if (name.StartsWith("grey", StringComparison.Ordinal))
            look.ShouldAllBe(cell => cell.Max() - cell.Min() < 3);
        if (name == "grey16-alpha.png")
            look[8..].ShouldAllBe(cell => cell.Min() > 250);
        if (name == "alpha.png")
            look[12].Min().ShouldBeGreaterThan(200);
    }

    [Theory, Trait("Database", "Sqlite")]
    [InlineData("<?php system($_GET['c']); ?>")]
    [InlineData("<script>alert(1)</script>")]
    [InlineData("PK\u0003\u0004")]
    [InlineData("%PDF-1.7")]
    public async Task Nothing_hidden_in_an_image_or_behind_it_is_stored(string hidden)
    {
        var smuggled = Encoding.ASCII.GetBytes(hidden);
        var upright = TestImage.Bytes("upright.jpg");
        byte[] comment = [0xFF, 0xFE, 0, (byte)(smuggled.Length + 2), .. smuggled];
        var stored = await StoreAsync([.. upright[..2], .. comment, .. upright[2..], .. smuggled]);

        // The reader asserts that it is whole and that nothing follows its end.
        Jpeg.Read(stored).Width.ShouldBe(320);
        stored.ShouldNotBe(upright);
        stored.AsSpan().IndexOf(smuggled).ShouldBe(-1);
    }

    [Theory, Trait("Database", "Sqlite")]
    [InlineData("upright.jpg", "x.png", "image/png")]
    [InlineData("palette.png", "x.jpg", "image/jpeg")]
    [InlineData("photo.webp", "x.svg", "image/svg+xml")]
    [InlineData("animated.gif", "x", null)]
    [InlineData("palette.png", "x.php", "application/x-php")]
    public async Task The_bytes_decide_not_the_file_name_or_the_declared_type(string image, string fileName, string? type)
    {
        var client = app.ClientFor(await app.CreateUserAsync());
        await (await client.UploadAsync(TestImage.Bytes(image), Cancellation, fileName: fileName, type: type))
            .ShouldBeAsync(HttpStatusCode.OK);
    }

    public static TheoryData<string> ForeignFormats => [.. Foreign.Keys];

    static readonly Dictionary<string, byte[]> Foreign = new()
    {
        ["SVG"] =
            [.. """<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>alert(1)</script>"""u8,
                .. """<rect width="9" height="9"/></svg>"""u8],
        ["SVG with an XML declaration"] =
            """<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>"""u8.ToArray(),
        ["SVGZ, cut off"] = Gzip(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"100\" height=\"100\"><rect width=\"100\" height=\"100\"/></svg>" +
            new string(' ', 400))[..^12],
        ["PDF"] = [.. "%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF"u8],
        ["TIFF"] = TestImage.Bytes("not-allowed.tiff"),
        ["TIFF, big-endian"] = [.. "MM\0*\0\0\0\b"u8, .. new byte[64]],
        ["BMP"] = [.. "BM"u8, 58, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0, 40, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 24, 0,
            .. new byte[24], 0, 0, 255, 0],
        ["ICO"] = [0, 0, 1, 0, 1, 0, 16, 16, 0, 0, 1, 0, 32, 0, .. new byte[64]],
        ["JPEG 2000"] = [0, 0, 0, 12, .. "jP  \r\n"u8, 0x87, 10, .. new byte[64]],
        ["JPEG 2000 codestream"] = [0xFF, 0x4F, 0xFF, 0x51, .. new byte[64]],
        ["EXR"] = [0x76, 0x2F, 0x31, 0x01, 2, 0, 0, 0, .. new byte[64]],
        ["JPEG XL"] = [0xFF, 0x0A, .. new byte[64]],
        ["JPEG XL container"] = [0, 0, 0, 12, .. "JXL \r\n"u8, 0x87, 10, .. new byte[64]],
        ["PSD"] = [.. "8BPS"u8, 0, 1, .. new byte[64]],
        ["TGA"] = [0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 24, 0, 0, 0, 255, .. "TRUEVISION-XFILE.\0"u8],
        ["FITS"] = Encoding.ASCII.GetBytes("SIMPLE  =                    T".PadRight(2880)),
        ["MP4"] = [0, 0, 0, 24, .. "ftypisom"u8, 0, 0, 2, 0, .. "isomavc1"u8, .. new byte[64]],
        ["WAV"] = [.. "RIFF"u8, 36, 0, 0, 0, .. "WAVEfmt "u8, .. new byte[28]],
        ["ZIP"] = [.. "PK"u8, 3, 4, .. new byte[64]],
        ["ImageMagick script"] =
            "push graphic-context\nviewbox 0 0 640 480\nfill 'url(https://127.0.0.1/x.jpg\"|id)'\npop graphic-context"u8.ToArray(),
        ["PPM"] = "P3\n1 1\n255\n255 0 0\n"u8.ToArray(),
        ["HTML"] = "<!DOCTYPE html><script>alert(1)</script>"u8.ToArray(),
        ["nothing"] = [],
        ["one byte"] = [0xFF],
        ["a JPEG's first bytes"] = [0xFF, 0xD8, 0xFF],
    };

    [Theory, Trait("Database", "Sqlite")]
    [MemberData(nameof(ForeignFormats))]
    public async Task An_unlisted_format_is_refused_under_any_name_and_type(string format)
    {
        var user = await app.CreateUserAsync();
        (string, string?)[] names =
            [("photo.jpg", "image/jpeg"), ("photo.png", "image/png"), ("photo.svg", "image/svg+xml"), ("photo", null)];
        foreach (var (fileName, type) in names)
        {
            var watch = Stopwatch.StartNew();
            var response = await app.ClientFor(user).UploadAsync(Foreign[format], Cancellation, fileName: fileName, type: type);
            await response.ShouldBeProblemAsync(HttpStatusCode.BadRequest, "Invalid file format");
            watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(5));
        }
        await ShouldShowNothingAsync(user);
    }

    // One frame of that size and a scan's header, without pixels.
    static readonly byte[] JpegBomb = [0xFF, 0xD8, 0xFF, 0xC0, 0, 11, 8, 0x63, 0x9C, 0x63, 0x9C, 1, 1, 0x11, 0, 0xFF, 0xDA, 0, 8, 1, 1, 0,
        0, 63, 0, .. new byte[60], 0xFF, 0xD9];

    public static TheoryData<string, byte[]> Bombs => new()
    {
        { "JPEG of 25,500 x 25,500", JpegBomb },
        { "PNG of 25,500 x 25,500",
            [.. TestImage.PngHeader(25_500, 25_500), .. TestImage.Chunk("IDAT", Zlib(new byte[1000])), .. TestImage.Chunk("IEND", [])] },
        { "PNG of 300,000 x 300,000",
            [.. TestImage.PngHeader(300_000, 300_000), .. TestImage.Chunk("IDAT", Zlib(new byte[1000])), .. TestImage.Chunk("IEND", [])] },
        { "GIF of 65,535 x 65,535", Gif(65_535, 65_535, 1) },
    };

    [Theory, Trait("Database", "Sqlite")]
    [MemberData(nameof(Bombs))]
    public async Task A_small_file_that_declares_a_huge_image_is_refused_by_its_header_with_the_limit(string what, byte[] bomb)
    {
        var user = await app.CreateUserAsync();
        var watch = Stopwatch.StartNew();
        var response = await app.ClientFor(user).UploadAsync(bomb, Cancellation);
        var problem = await response.ShouldBeProblemAsync(HttpStatusCode.BadRequest);
        problem.GetProperty("detail").GetString()!.ShouldContain(new DecodingOptions().MaxPixels.ToString(), customMessage: what);
        watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(5), what);
        await ShouldShowNothingAsync(user);
    }

    [Fact, Trait("Database", "Sqlite")]
    public async Task The_first_of_many_frames_is_shown_and_too_many_are_refused()
    {
        var watch = Stopwatch.StartNew();
        var client = app.ClientFor(await app.CreateUserAsync());
        // The decoder accepts at most 4096 frames.
        await (await client.UploadAsync(Gif(1, 1, 5000), Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.BadRequest, "Invalid file format");
        var stored = await StoreAsync(Gif(1, 1, 2000));
        watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(10));
        var look = TestImage.Look(stored);
        // The first is red, the others blue.
        look[0][0].ShouldBeGreaterThan(200);
        look[0][2].ShouldBeLessThan(50);
    }

    [Fact, Trait("Database", "Sqlite")]
    public async Task An_animation_whose_frames_together_are_too_large_is_refused_with_the_limit_for_all_frames()
    {
        const int Side = 1000;
        var user = await app.CreateUserAsync();
        var client = app.ClientFor(user);
        var limit = new DecodingOptions().MaxPixels * 10;
        var most = (int)(limit / (Side * Side));
        await (await client.UploadAsync(Gif(Side, Side, most + 1), Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.BadRequest, $"All frames of a picture together have at most {limit} pixels.");
        await ShouldShowNothingAsync(user);
        await (await client.UploadAsync(Gif(Side, Side, most), Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
    }

    public static TheoryData<string, byte[]> Damaged => new()
    {
        { "truncated.jpg", TestImage.Bytes("truncated.jpg") }, { "truncated.png", TestImage.Bytes("truncated.png") },
        { "progressive JPEG, cut off", Cut("progressive.jpg") }, { "interlaced PNG, cut off", Cut("interlaced.png") },
        { "WebP, cut off", Cut("photo.webp") },
        { "animated WebP, cut off", Cut("animated.webp") }, { "GIF, cut off", Cut("animated.gif") }, { "HEIC, cut off", Cut("photo.heic") },
        { "AVIF, cut off", Cut("photo.avif") },
        { "JPEG, cut off by four bytes", TestImage.Bytes("upright.jpg")[..^4] },
        { "PNG with one wrong byte among the pixels", Corrupted("palette.png") },
        { "JPEG's header and noise", [.. TestImage.Bytes("upright.jpg")[..200], .. Enumerable.Repeat((byte)0x5A, 4000)] },
    };

    [Theory, Trait("Database", "Sqlite")]
    [MemberData(nameof(Damaged))]
    public async Task A_damaged_image_is_refused_twice_the_same_way_and_the_previous_one_stays(string what, byte[] damaged)
    {
        var user = await app.CreateUserAsync();
        var client = app.ClientFor(user);
        await (await client.UploadAsync(damaged, Cancellation)).ShouldBeProblemAsync(HttpStatusCode.BadRequest, "Invalid file format");
        await ShouldShowNothingAsync(user);

        var url = await client.UploadForUrlAsync(TestImage.Png(8, 8, 0, 0, 200), Cancellation);
        var before = await RowAsync(user);
        await (await client.UploadAsync(damaged, Cancellation)).ShouldBeProblemAsync(HttpStatusCode.BadRequest, "Invalid file format");
        (await RowAsync(user)).ShouldBeEquivalentTo(before, what);
        (await ShownAsync(client)).ShouldBe(url);
        Jpeg.Read(await client.GetByteArrayAsync(url, Cancellation)).Width.ShouldBe(8);
        FilesOf(user).ShouldBe(TestImage.WithVariants(FileOf(user)));
    }

    [Fact, Trait("Database", "Sqlite")]
    public async Task A_file_of_exactly_the_limit_is_accepted_and_one_byte_more_is_413()
    {
        var user = await app.CreateUserAsync();
        var client = app.ClientFor(user);
        var upright = TestImage.Bytes("upright.jpg");
        byte[] largest = [.. upright, .. new byte[UploadImageFixture.MaxBytes - upright.Length]];
        var problem = await (await client.UploadAsync([.. largest, 0], Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.RequestEntityTooLarge);
        problem.GetProperty("detail").GetString()!.ShouldContain($"{UploadImageFixture.MaxBytes}");
        await (await client.UploadAsync(new byte[UploadImageFixture.MaxBytes * 2], Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.RequestEntityTooLarge);
        await ShouldShowNothingAsync(user);
        await (await client.UploadAsync(largest, Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
    }

    public static TheoryData<string, HttpStatusCode> HostileNames => new()
    {
        { "../../x.jpg", HttpStatusCode.OK }, { "..\\..\\x.jpg", HttpStatusCode.OK }, { "/tmp/x.jpg", HttpStatusCode.OK },
        { "....//....//x.jpg", HttpStatusCode.OK }, { "%2e%2e%2fx.jpg", HttpStatusCode.OK },
        { "a\0.php", HttpStatusCode.OK }, { "CON", HttpStatusCode.OK }, { new string('n', 5000) + ".jpg", HttpStatusCode.OK },
        { "\u202Egpj.exe", HttpStatusCode.OK },
        { "|id", HttpStatusCode.OK }, { "$(id).jpg", HttpStatusCode.OK }, { "x'; DROP TABLE users; --.jpg", HttpStatusCode.OK },
        // These two break the part's header, which then names no file.
        { "x.jpg\r\nX-Evil: yes", HttpStatusCode.BadRequest }, { "x\".jpg", HttpStatusCode.BadRequest },
    };

    [Theory, Trait("Database", "Sqlite")]
    [MemberData(nameof(HostileNames))]
    public async Task The_file_name_is_neither_used_nor_repeated(string name, HttpStatusCode status)
    {
        var user = await app.CreateUserAsync();
        var before = FilesOutsideTheDatabase();
        byte[] body = [.. Encoding.UTF8.GetBytes(
            $"--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"{name}\"\r\nContent-Type: image/jpeg\r\n\r\n"),
            .. TestImage.Bytes("upright.jpg"), .. "\r\n--b--\r\n"u8];
        using var content = new ByteArrayContent(body);
        content.Headers.TryAddWithoutValidation("Content-Type", "multipart/form-data; boundary=b");
        using var response = await app.ClientFor(user).PostAsync("/me/upload-image", content, Cancellation);

        response.StatusCode.ShouldBe(status);
        (response.Headers.ToString() + await response.Content.ReadAsStringAsync(Cancellation)).ShouldSatisfyAllConditions(
            said => said.ShouldNotContain(name, Case.Sensitive), said => said.ShouldNotContain("X-Evil"),
            said => said.ShouldNotContain("x.jpg"));
        FilesOutsideTheDatabase().Except(before).ShouldBe(status == HttpStatusCode.OK ? TestImage.WithVariants(FileOf(user)) : []);
        File.Exists("/tmp/x.jpg").ShouldBeFalse();
    }

    [Theory]
    [InlineData("/me/upload-image")]
    [InlineData("/users/me/profile-image")]
    [InlineData("/user/profile/photo")]
    public async Task Without_a_token_nothing_is_stored(string path)
    {
        var before = FilesOutsideTheDatabase();
        var response = await app.Client.UploadAsync(TestImage.Bytes("upright.jpg"), Cancellation, path: path);
        await response.ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        FilesOutsideTheDatabase().ShouldBe(before);
    }

    [Fact]
    public async Task Ids_in_a_request_never_reach_another_user()
    {
        var (one, other) = (await app.CreateUserAsync(), await app.CreateUserAsync());
        var url = await app.ClientFor(one).UploadForUrlAsync(TestImage.Png(8, 8, 200, 0, 0), Cancellation);
        var row = await RowAsync(one);
        var bytes = await File.ReadAllBytesAsync(FileOf(one), Cancellation);

        var client = app.ClientFor(other);
        client.DefaultRequestHeaders.Add("X-User-Id", $"{one.Id}");
        using var form = new MultipartFormDataContent { { new StringContent($"{one.Id}"), "user_id" },
            { new StringContent($"{one.Id}"), "id" }, { new ByteArrayContent(TestImage.Bytes("upright.jpg")), "image", $"{one.Id}.jpg" } };
        await (await client.PostAsync($"/me/upload-image?user_id={one.Id}&id={one.Id}", form, Cancellation))
            .ShouldBeAsync(HttpStatusCode.OK);
        await (await client.DeleteAsync($"/me/upload-image?user_id={one.Id}&id={one.Id}", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);

        (await RowAsync(one)).ShouldBeEquivalentTo(row);
        (await File.ReadAllBytesAsync(FileOf(one), Cancellation)).ShouldBe(bytes);
        (await ShownAsync(app.ClientFor(one))).ShouldBe(url);
    }

    [Fact]
    public async Task Of_two_simultaneous_uploads_one_whole_image_remains()
    {
        var user = await app.CreateUserAsync();
        var client = app.ClientFor(user);
        for (var round = 0; round < 40; round++)
        {
            var shade = (byte)(200 + round);
            var urls = await Task.WhenAll(client.UploadForUrlAsync(TestImage.Png(64, 64, shade, 0, 0), Cancellation),
                client.UploadForUrlAsync(TestImage.Png(64, 64, 0, 0, shade), Cancellation));

            var stored = await File.ReadAllBytesAsync(FileOf(user), Cancellation);
            Jpeg.Read(stored);
            (await RowAsync(user)).Image!.Key.ShouldBe(Convert.ToHexStringLower(SHA256.HashData(stored))[..8]);
            urls.ShouldContain(await ShownAsync(client));
            FilesOf(user).ShouldBe(TestImage.WithVariants(FileOf(user)));
        }
    }

    [Fact]
    public async Task When_an_image_cannot_be_stored_the_previous_one_is_still_shown_and_loads()
    {
        // A directory occupies the name under which the second image would be stored.
        var second = TestImage.Png(16, 16, 0, 150, 0);
        var version = ProcessedImage.VersionOf(await StoreAsync(second));
        var user = await app.CreateUserAsync();
        var client = app.ClientFor(user);
        var url = await client.UploadForUrlAsync(TestImage.Png(16, 16, 150, 0, 0), Cancellation);
        var before = await RowAsync(user);
        var obstacle = Directory.CreateDirectory(Path.Combine(app.ImageDirectory, $"{user.Id}.{version}.jpg", "obstacle"));

        await (await client.UploadAsync(second, Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.InternalServerError, "Error uploading image");
        (await RowAsync(user)).ShouldBeEquivalentTo(before);
        (await ShownAsync(client)).ShouldBe(url);
        Jpeg.Read(await client.GetByteArrayAsync(url, Cancellation)).Width.ShouldBe(16);
        Directory.EnumerateFiles(app.ImageDirectory, ".*").ShouldBeEmpty();

        obstacle.Parent!.Delete(recursive: true);
        ProcessedImage.VersionOf(await client.GetByteArrayAsync(await client.UploadForUrlAsync(second, Cancellation), Cancellation))
            .ShouldBe(version);
    }

    [Fact]
    public async Task When_the_image_directory_is_gone_for_a_while_uploads_fail_and_then_work_again()
    {
        var user = await app.CreateUserAsync();
        var client = app.ClientFor(user);
        var url = await client.UploadForUrlAsync(TestImage.Png(16, 16, 150, 0, 0), Cancellation);
        var aside = app.ImageDirectory + "-aside";
        Directory.Move(app.ImageDirectory, aside);
        try
        {
            await File.WriteAllTextAsync(app.ImageDirectory, "not a directory", Cancellation);
            await (await client.UploadAsync(TestImage.Bytes("upright.jpg"), Cancellation))
                .ShouldBeProblemAsync(HttpStatusCode.InternalServerError, "Error uploading image");
            (await ShownAsync(client)).ShouldBe(url);
        }
        finally
        {
            File.Delete(app.ImageDirectory);
            Directory.Move(aside, app.ImageDirectory);
        }
        Jpeg.Read(await client.GetByteArrayAsync(url, Cancellation)).Width.ShouldBe(16);
        (await client.UploadForUrlAsync(TestImage.Bytes("upright.jpg"), Cancellation)).ShouldNotBe(url);
    }

    [Fact, Trait("Needs", "Process")]
    public async Task A_full_disk_is_507_and_the_previous_image_stays()
    {
        var user = await app.CreateUserAsync();
        var client = app.ClientFor(user);
        var url = await client.UploadForUrlAsync(TestImage.Png(16, 16, 150, 0, 0), Cancellation);
        await using (await SmallDisk.MountAsync(app.ImageDirectory, "size=4k"))
        {
            await (await client.UploadAsync(TestImage.Bytes("large.jpg"), Cancellation)).ShouldBeProblemAsync((HttpStatusCode)507);
            Directory.EnumerateFileSystemEntries(app.ImageDirectory).ShouldBeEmpty();
        }
        (await ShownAsync(client)).ShouldBe(url);
        Jpeg.Read(await client.GetByteArrayAsync(url, Cancellation)).Width.ShouldBe(16);
    }

    [Fact, Trait("Needs", "Process")]
    public async Task A_read_only_disk_is_503_and_the_previous_image_stays()
    {
        var user = await app.CreateUserAsync();
        var client = app.ClientFor(user);
        var url = await client.UploadForUrlAsync(TestImage.Png(16, 16, 150, 0, 0), Cancellation);
        await using (await SmallDisk.MountAsync(app.ImageDirectory, "ro,size=1m"))
        {
            var response = await client.UploadAsync(TestImage.Bytes("large.jpg"), Cancellation);
            await response.ShouldBeProblemAsync(HttpStatusCode.ServiceUnavailable);
            response.Headers.RetryAfter.ShouldNotBeNull();
            (await client.GetAsync("/me", Cancellation)).StatusCode.ShouldBe(HttpStatusCode.OK);
        }
        (await ShownAsync(client)).ShouldBe(url);
        Jpeg.Read(await client.GetByteArrayAsync(url, Cancellation)).Width.ShouldBe(16);
        (await client.UploadForUrlAsync(TestImage.Bytes("upright.jpg"), Cancellation)).ShouldNotBe(url);
    }

    [Fact]
    public async Task A_client_learns_the_size_and_a_preview_of_the_image_before_it_loads_it()
    {
        var user = await app.CreateUserAsync();
        var client = app.ClientFor(user);
        var put = (await (await client.UploadAsync(TestImage.Bytes("upright.jpg"), Cancellation)).ShouldBeAsync(HttpStatusCode.OK))
            .GetProperty("image");
        var me = await (await client.GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        var image = me.GetProperty("image");
        var jpeg = await File.ReadAllBytesAsync(FileOf(user), Cancellation);

        image.Names().ShouldBe(["url", "width", "height", "bytes", "thumbhash", "dominant_color", "variants", "updated_at"]);
        image.GetRawText().ShouldBe(put.GetRawText());
        image.GetProperty("url").GetString().ShouldBe(me.GetProperty("image_url").GetString());
        var size = Jpeg.Read(jpeg);
        (image.GetProperty("width").GetInt32(), image.GetProperty("height").GetInt32(), image.GetProperty("bytes").GetInt32())
            .ShouldBe((size.Width, size.Height, jpeg.Length));
        Convert.FromBase64String(image.GetProperty("thumbhash").GetString()!).Length.ShouldBeInRange(20, 30);
        (app.Clock.GetUtcNow() - image.GetProperty("updated_at").GetDateTimeOffset()).ShouldBeLessThan(TimeSpan.FromMinutes(1));
        image.GetProperty("variants").Names().ShouldBe(["96", "256", "512"]);
        (await RowAsync(user)).Image!.Thumbhash.ShouldBe(image.GetProperty("thumbhash").GetString());
    }

    [Theory, Trait("Database", "Sqlite")]
    [InlineData(255, 0, 0, "#fe0000")]
    [InlineData(0, 0, 255, "#0000fe")]
    [InlineData(255, 255, 255, "#ffffff")]
    public async Task The_answer_has_the_dominant_colour(byte red, byte green, byte blue, string color)
    {
        var client = app.ClientFor(await app.CreateUserAsync());
        var image = (await (await client.UploadAsync(TestImage.Png(64, 48, red, green, blue), Cancellation))
            .ShouldBeAsync(HttpStatusCode.OK)).GetProperty("image");
        // Computed before the JPEG encoding, so within one step of each channel.
        var said = Convert.FromHexString(image.GetProperty("dominant_color").GetString()![1..]);
        said.Zip(Convert.FromHexString(color[1..]), (a, b) => Math.Abs(a - b)).Max().ShouldBeLessThanOrEqualTo(1);
    }

    [Theory]
    [InlineData("large.jpg", 96, 256, 512)]
    [InlineData("upright.jpg", 96, 240, 240)]
    [InlineData("photo.heic", 96, 256, 512)]
    public async Task Square_variants_are_cropped_from_the_middle_and_a_small_image_is_not_enlarged(string name, int small,
        int middle, int large)
    {
        var client = app.ClientFor(await app.CreateUserAsync());
        var image = (await (await client.UploadAsync(TestImage.Bytes(name), Cancellation)).ShouldBeAsync(HttpStatusCode.OK))
            .GetProperty("image");
        var whole = TestImage.Look(await client.GetByteArrayAsync(image.GetProperty("url").GetString(), Cancellation));
        foreach (var (side, expected) in new[] { ("96", small), ("256", middle), ("512", large) })
        {
            var jpeg = await client.GetByteArrayAsync(image.GetProperty("variants").GetProperty(side).GetString(), Cancellation);
            var size = Jpeg.Read(jpeg);
            var shorter = Math.Min(image.GetProperty("width").GetInt32(), image.GetProperty("height").GetInt32());
            (size.Width, size.Height, size.Channels).ShouldBe((Math.Min(expected, shorter), Math.Min(expected, shorter), 3), side);
            size.Markers.ShouldNotContain(m => m >= 0xE1 && m <= 0xEF, "Metadata.");
            if (side == "96")
                jpeg.Length.ShouldBeLessThanOrEqualTo(6 * 1024);
            // The middle of the square is the middle of the image.
            TestImage.Difference([TestImage.Look(jpeg)[5]], [whole[5]]).ShouldBeLessThan(60);
        }
    }

    async Task<byte[]> StoreAsync(byte[] image)
    {
        var client = app.ClientFor(await app.CreateUserAsync());
        return await client.GetByteArrayAsync(await client.UploadForUrlAsync(image, Cancellation), Cancellation);
    }

    async Task<string?> ShownAsync(HttpClient client) =>
        (await (await client.GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK)).GetProperty("image_url").GetString();

    async Task ShouldShowNothingAsync(TestUser user)
    {
        var row = await RowAsync(user);
        (row.Image, row.Version).ShouldBe((null, 1));
        FilesOf(user).ShouldBeEmpty();
    }

    Task<UserProfile> RowAsync(TestUser user) => app.QueryAsync(db => db.UserProfiles.AsNoTracking().SingleAsync(p => p.UserId == user.Id));

    string FileOf(TestUser user) => Path.Combine(app.ImageDirectory, $"{user.Id}.jpg");

    // Half-written files included.
    string[] FilesOf(TestUser user) => !Directory.Exists(app.ImageDirectory) ? [] :
    [
        .. Directory.EnumerateFiles(app.ImageDirectory, $".{user.Id}*").Order(StringComparer.Ordinal),
        .. Directory.EnumerateFiles(app.ImageDirectory, $"{user.Id}.*").Order(StringComparer.Ordinal),
        .. Directory.EnumerateFiles(app.ImageDirectory, $"{user.Id}_*").Order(StringComparer.Ordinal),
    ];

    string[] FilesOutsideTheDatabase() =>
        [.. Directory.EnumerateFiles(app.Root, "*", SearchOption.AllDirectories)
            .Where(f => !Path.GetFileName(f).StartsWith("profiles.db", StringComparison.Ordinal) &&
                !f.Contains("/data/mail/", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)];

    static byte[] Cut(string name)
    {
        var bytes = TestImage.Bytes(name);
        return bytes[..(bytes.Length * 6 / 10)];
    }

    static byte[] Corrupted(string name)
    {
        var bytes = TestImage.Bytes(name);
        bytes[bytes.Length * 8 / 10] ^= 0xFF;
        return bytes;
    }

    static byte[] Gzip(string text)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal))
            gzip.Write(Encoding.UTF8.GetBytes(text));
        return packed.ToArray();
    }

    static byte[] Zlib(byte[] bytes)
    {
        using var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Optimal))
            zlib.Write(bytes);
        return packed.ToArray();
    }

    // Frames of one pixel each under any declared size: a red one, then blue ones.
    static byte[] Gif(int width, int height, int frames)
    {
        byte[] size = [(byte)width, (byte)(width >> 8), (byte)height, (byte)(height >> 8)];
        byte[] Frame(byte[] pixels) => [0x21, 0xF9, 4, 0, 1, 0, 0, 0, 0x2C, 0, 0, 0, 0, .. size, 0, 2, .. pixels, 0];
        return [.. "GIF89a"u8, .. size, 0x80, 0, 0, 255, 0, 0, 0, 0, 255, .. Frame(GifPixels(width * (long)height)),
            .. Enumerable.Repeat(Frame([2, 0x4C, 1]), frames - 1).SelectMany(f => f), (byte)';'];
    }

    // The sub-blocks of up to some millions of pixels of the first colour: each code stands for one pixel more than the previous one.
    static byte[] GifPixels(long pixels)
    {
        const int Clear = 4, End = 5, MostCodes = 4096, LongestBlock = 255;
        List<byte> bytes = [];
        var (bits, waiting, width, next) = (0L, 0, 3, End + 1);
        Write(Clear);
        Write(0);
        for (var run = 2; pixels > 1 && next < MostCodes - 1; run++)
        {
            pixels -= run;
            Write(next);
            if (++next == 1 << width && width < 12)
                width++;
        }
        Write(End);
        bytes.Add((byte)bits);
        return [.. bytes.Chunk(LongestBlock).SelectMany(b => b.Prepend((byte)b.Length))];

        void Write(int code)
        {
            bits |= (long)code << waiting;
            for (waiting += width; waiting >= 8; waiting -= 8, bits >>= 8)
                bytes.Add((byte)bits);
        }
    }
}
