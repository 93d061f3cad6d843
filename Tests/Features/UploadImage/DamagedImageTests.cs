using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace Profiles.Tests.Features.UploadImage;

/// <summary>
/// Files that deviate from their standards: those that browsers show whole are accepted, those that lack pixels are refused.
/// </summary>
// The database plays no part: one engine is enough.
[Trait("Database", "Sqlite")]
public sealed class DamagedImageTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    static readonly byte[] Upright = TestImage.Bytes("upright.jpg"), Progressive = TestImage.Bytes("progressive.jpg"),
        Palette = TestImage.Bytes("palette.png"), Animated = TestImage.Bytes("animated.gif"), WebP = TestImage.Bytes("photo.webp");

    static readonly byte[] Garbage = Encoding.ASCII.GetBytes("<?php garbage ?>");

    public static TheoryData<string, byte[]> Whole => new()
    {
        { "Samsung's scan", TestImage.Bytes("samsung-sos.jpg") },
        { "Samsung's scan and trailer", TestImage.Bytes("samsung-sos-trailer.jpg") },
        { "JPEG without its end", Upright[..^2] },
        { "JPEG with half its end", Upright[..^1] },
        { "progressive JPEG without its end", Progressive[..^2] },
        { "JPEG with zeros after its end", [.. Upright, .. new byte[5000]] },
        { "JPEG with another after its end", [.. Upright, .. Progressive] },
        { "JPEG with zeros before its end", [.. Upright[..^2], 0, 0, 0, .. Upright[^2..]] },
        { "JPEG with fill bytes before its markers", [0xFF, 0xD8, 0xFF, 0xFF, 0xFF, .. Upright[2..^2], 0xFF, 0xFF, 0xFF, 0xD9] },
        { "JPEG with bytes between its segments", [.. Upright[..20], 1, 2, 3, .. Upright[20..]] },
        { "JPEG of an unknown version", With(Upright, 11, 9) },
        { "JPEG with an unknown colour code", Photo.WithSegments(Upright, (0xEE, [.. "Adobe"u8, 0, 100, 0, 0, 0, 0, 7])) },
        { "JPEG with segments of foreign content", Photo.WithSegments(Upright, (0xE1, [.. "Exif\0\0"u8, .. Garbage]), (0xE1, []),
            (0xE2, [.. "ICC_PROFILE\0"u8, 3, 2, .. Garbage]), (0xE2, [.. "MPF\0"u8, .. Garbage]), (0xED, Garbage), (0xEE, [])) },
        { "PNG without its end", TestImage.Bytes("png-no-iend.png") },
        { "PNG with half its end", Palette[..^7] },
        { "PNG with a wrong checksum of its end", With(Palette, Palette.Length - 1, 0) },
        { "PNG with bytes after its end", [.. Palette, .. Garbage] },
        { "PNG with bytes in place of its end", [.. Palette[..^12], .. new byte[100]] },
        { "PNG with a wrong checksum of its time",
            [.. Palette[..33], .. With(TestImage.Chunk("tIME", [7, 1, 2, 3, 4, 5, 6]), 18, 1), .. Palette[33..]] },
        { "PNG with a chunk that was cut off after its pixels", [.. Palette[..^12], .. TestImage.Chunk("tEXt", Garbage)[..^10]] },
        { "GIF without its end", TestImage.Bytes("gif-no-trailer.gif") },
        { "GIF with NUL in place of its end", TestImage.Bytes("gif-nul-trailer.gif") },
        { "GIF with bytes in place of its end", [.. Animated[..^1], .. Garbage] },
        { "GIF without the end of its sub-blocks", TestImage.Bytes("gif-no-trailer.gif")[..^1] },
        { "GIF that is cut off in a comment", [.. TestImage.Bytes("gif-no-trailer.gif"), (byte)'!', 0xFE, 5, (byte)'h', (byte)'e'] },
        { "GIF with bytes after its end", [.. Animated, .. Garbage] },
        { "WebP with bytes after its end", [.. WebP, .. Garbage] },
        { "WebP with zeros after its end", [.. WebP, .. new byte[64]] },
        { "WebP whose size is too large", WithSize(WebP, 8) },
        { "WebP whose size is too small", WithSize(WebP, -12) },
        { "animated WebP whose size is invalid", WithSize(TestImage.Bytes("animated.webp"), -3000) },
    };

    [Theory]
    [MemberData(nameof(Whole))]
    public async Task A_file_that_browsers_show_whole_is_accepted_and_looks_the_same(string what, byte[] image)
    {
        using var client = app.ClientFor(await app.CreateUserAsync());
        var response = await client.UploadAsync(image, Cancellation);
        var url = (await response.ShouldBeAsync(HttpStatusCode.OK)).GetProperty("image_url").GetString()!;
        TestImage.Difference(TestImage.Look(await client.GetByteArrayAsync(url, Cancellation)), TestImage.Look(Upright))
            .ShouldBeLessThan(30, what);
    }

    public static TheoryData<string, byte[]> Lacking => new()
    {
        { "JPEG that is short by 20 bytes", TestImage.Bytes("short-by-20-bytes.jpg") },
        { "JPEG that lacks a byte before its end", [.. Upright[..^3], .. Upright[^2..]] },
        { "JPEG that lacks twenty bytes before its end", [.. Upright[..^22], .. Upright[^2..]] },
        { "Samsung's scan, cut off", TestImage.Bytes("samsung-sos.jpg")[..^30] },
        { "JPEG with an end in the middle", [.. Upright[..3000], .. Upright[^2..]] },
        { "JPEG with garbage in the middle", [.. Upright[..2500], 0xFF, 0x5A, .. Garbage, .. Upright[2518..]] },
        { "JPEG that is cut off in a segment", Upright[..30] },
        { "JPEG of a hundred thousand segments",
            [.. Upright[..2], .. Enumerable.Repeat((byte[])[0xFF, 0xE1, 0, 2], 100_000).SelectMany(s => s), .. Upright[2..]] },
        { "JPEG without pixels", [.. Upright[..Upright.AsSpan().IndexOf((byte[])[0xFF, 0xDA])], .. Upright[^2..]] },
        { "progressive JPEG that is cut off in a scan", Progressive[..^100] },
        { "progressive JPEG that is cut off between two scans", Progressive[..Progressive.AsSpan().LastIndexOf((byte[])[0xFF, 0xDA])] },
        { "PNG whose rows are missing", TestImage.Bytes("truncated.png") },
        { "PNG whose rows are missing, with an end", [.. Palette[..33], .. TestImage.Chunk("PLTE", Palette[41..137]),
            .. TestImage.Chunk("IDAT", Palette[149..2000]), .. Palette[^12..]] },
        { "PNG that is cut off in the checksum of its pixels", Palette[..^14] },
        { "PNG without pixels", [.. Palette[..149], .. Palette[^12..]] },
        { "GIF that is cut off in its first frame", Animated[..1500] },
        { "GIF that is cut off in its last frame", Animated[..^20] },
        { "GIF whose first frame lacks rows", LackingRows(Animated) },
        { "GIF without a frame", [.. Animated[..808], (byte)';'] },
        { "WebP that is cut off", WebP[..^10] },
        { "WebP that is cut off, with its size corrected", WithSize(WebP[..^10], -10) },
        { "WebP without pixels", [.. "RIFF"u8, 4, 0, 0, 0, .. "WEBP"u8] },
    };

    [Theory]
    [MemberData(nameof(Lacking))]
    public async Task A_file_that_lacks_pixels_is_refused(string what, byte[] image)
    {
        using var client = app.ClientFor(await app.CreateUserAsync());
        (await (await client.UploadAsync(image, Cancellation)).ShouldBeAsync(HttpStatusCode.BadRequest)).GetProperty("detail").GetString()
            .ShouldBe("Invalid file format", what);
    }

    [Fact]
    public async Task A_JPEG_cut_anywhere_is_refused_with_or_without_an_end_marker()
    {
        using var client = app.ClientFor(await app.CreateUserAsync());
        for (var length = 60; length < Upright.Length - 2; length += 97)
        {
            foreach (var cut in (byte[][])[Upright[..length], [.. Upright[..length], 0xFF, 0xD9]])
                (await client.UploadAsync(cut, Cancellation)).StatusCode.ShouldBe(HttpStatusCode.BadRequest,
                    $"{length} of {Upright.Length}");
        }
    }

    static readonly string[] Originals = ["samsung-sos-trailer.jpg", "progressive.jpg", "gif-no-trailer.gif", "animated.gif",
        "png-no-iend.png", "palette.png", "photo.webp", "animated.webp"];

    [Fact]
    public async Task Each_of_hundreds_of_mutants_gets_one_verdict_and_no_server_error()
    {
        using var client = app.ClientFor(await app.CreateUserAsync());
        foreach (var name in Originals)
        {
            // Fixed random numbers make failures reproducible.
            var random = new Random(1000 + Originals.IndexOf(name));
            var accepted = 0;
            for (var i = 0; i < 30; i++)
            {
                var mutant = Mutate(TestImage.Bytes(name), random);
                var first = (await client.UploadAsync(mutant, Cancellation)).StatusCode;
                first.ShouldBeOneOf([HttpStatusCode.OK, HttpStatusCode.BadRequest], $"{name}, {i}");
                (await client.UploadAsync(mutant, Cancellation)).StatusCode.ShouldBe(first, $"{name}, {i}");
                accepted += first == HttpStatusCode.OK ? 1 : 0;
            }
            accepted.ShouldBeInRange(1, 29, name);
        }
    }

    // Mostly changes the structure: a repaired file must not be trusted.
    static byte[] Mutate(byte[] image, Random random)
    {
        for (var changes = random.Next(1, 4); changes > 0 && image.Length > 12; changes--)
        {
            var (at, size) = (random.Next(image.Length), random.Next(1, 40));
            image = random.Next(8) switch
            {
                0 => [.. image[..random.Next(12, image.Length)]],
                1 => [.. image, .. new byte[size]],
                2 => [.. image[..at], .. image[Math.Min(image.Length, at + size)..]],
                3 => [.. image[..at], .. image[^Math.Min(size, image.Length)..], .. image[at..]],
                4 => With(image, 4 + random.Next(Math.Min(300, image.Length - 4)), (byte)random.Next(256)),
                5 => With(image, image.Length - 1 - random.Next(12), (byte)random.Next(256)),
                _ => With(image, at, (byte)(image[at] ^ (1 << random.Next(8)))),
            };
        }
        return image;
    }

    static byte[] With(byte[] bytes, int at, byte value)
    {
        byte[] changed = [.. bytes];
        changed[at] = value;
        return changed;
    }

    static byte[] WithSize(byte[] webp, int more)
    {
        byte[] changed = [.. webp];
        BinaryPrimitives.WriteInt32LittleEndian(changed.AsSpan(4), BinaryPrimitives.ReadInt32LittleEndian(changed.AsSpan(4)) + more);
        if (webp[12..16].AsSpan().SequenceEqual("VP8 "u8) && webp.Length < WebP.Length)
            BinaryPrimitives.WriteInt32LittleEndian(changed.AsSpan(16), webp.Length - 20);
        return changed;
    }

    // Cuts out the last block of pixels and ends its frame there.
    static byte[] LackingRows(byte[] gif)
    {
        const int FirstFrame = 808, Blocks = FirstFrame + 11, Next = 3193;
        var (at, last) = (Blocks, Blocks);
        while (gif[at] != 0)
            (last, at) = (at, at + 1 + gif[at]);
        (at + 1).ShouldBe(Next);
        return [.. gif[..last], 0, .. gif[Next..]];
    }
}
