using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Text;
using Profiles.Infrastructure.Decoding;

namespace Profiles.Tests.Features.UploadImage;

/// <summary>
/// A server with one worker, which tests inspect, and its user; its time limit is generous, since other processes use the machine.
/// </summary>
public sealed class PhotoServer : IAsyncLifetime
{
    public ServerProcess Process { get; private set; } = null!;

    internal ServerUser User { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        // Never replaces the worker while a test inspects it.
        Process = await ServerProcess.StartAsync(("Images__Workers", "1"), ("Images__WorkerPictures", "10000"),
            ("Images__DecodeTimeout", "00:01:00"));
        User = await ServerUser.SignUpAsync(Process, CancellationToken.None);
    }

    public ValueTask DisposeAsync()
    {
        User.Dispose();
        return Process.DisposeAsync();
    }
}

/// <summary>Photos of phones and their programs, intact and corrupted, from the HTTP request to the stored bytes.</summary>
// The database plays no part: one engine is enough.
[Trait("Database", "Sqlite")]
[Trait("Needs", "Process")]
public sealed class PhotoTests(PhotoServer server, ITestOutputHelper output) : IClassFixture<PhotoServer>
{
    // A stored JPEG has nothing else: no EXIF, no profile, no comment.
    static readonly byte[] ImageMarkers = [0xC0, 0xC2, 0xC4, 0xDA, 0xDB, 0xDD, 0xE0];

    const string Secret = "52.5163 N 13.3777 E";

    readonly ServerUser user = server.User;

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    // The stored width (48 megapixels are 8000 wide, and an eighth of that is near enough) and the worker's memory limit in MB.
    public static TheoryData<string, int, int> LargePhotos => new()
    {
        { "13 MP, baseline", 1024, 120 }, { "13 MP, progressive", 1024, 150 }, { "13 MP, baseline with restart markers", 1024, 120 },
        { "48 MP, baseline", 1000, 120 }, { "48 MP, progressive", 1000, 260 }, { "phone-48mp.heic", 1024, 450 },
        { "100 MP, baseline", 1024, 120 }, { "100 MP, progressive", 1024, 450 },
    };

    [Theory]
    [MemberData(nameof(LargePhotos))]
    public async Task A_photo_of_any_phone_size_is_accepted_and_its_worker_needs_little_memory(string photo,
        int width, int megabytes)
    {
        // Earlier requests would count.
        await (await LinuxProcess.WorkerOfAsync(server.Process)).EndAsync();
        (await ShouldBeTheSceneAsync(Large(photo), width, width * 3 / 4)).ShouldBeLessThan(8);
        var most = (await LinuxProcess.WorkerOfAsync(server.Process)).Megabytes("VmHWM");
        output.WriteLine($"{photo}: {most.ToString("0", CultureInfo.InvariantCulture)} MB");
        most.ShouldBeLessThanOrEqualTo(megabytes);
    }

    [Fact]
    public async Task An_image_that_declares_too_many_pixels_costs_its_worker_nothing()
    {
        var worker = await LinuxProcess.WorkerOfAsync(server.Process);
        var before = worker.ForgetPeak();
        byte[] pngBomb = [.. TestImage.PngHeader(25_500, 25_500), .. TestImage.Png(25_500, 1, 0, 0, 0)[33..]];
        foreach (var bomb in (byte[][])[Photo.ProgressiveBomb(25_500, 25_500), pngBomb])
            (await (await user.Client.UploadAsync(bomb, Ct)).ShouldBeProblemAsync(HttpStatusCode.BadRequest))
                .GetProperty("max_pixels").GetInt64().ShouldBe(new DecodingOptions().MaxPixels);
        // The read succeeds only if the worker is still the same.
        (worker.Megabytes("VmHWM") - before).ShouldBeLessThan(50);
    }

    [Fact]
    public async Task A_HEIC_from_a_phone_is_rotated_once_and_converted_to_sRGB()
    {
        // Tiles in Display P3, rotated by the container, which counts, and by EXIF, which must not be applied too.
        (await ShouldBeTheSceneAsync(TestImage.Bytes("phone.heic"), 320, 240)).ShouldBeLessThan(8);
    }

    [Fact]
    public async Task A_HEIC_whose_gain_map_belongs_to_two_items_as_in_iOS_18_is_accepted() =>
        (await ShouldBeTheSceneAsync(Photo.HeicWithGainMap(), 320, 240)).ShouldBeLessThan(12);

    [Theory]
    [InlineData("deep.heic", 200, 30, 30)]
    [InlineData("alpha.heic", 228, 142, 142)]
    public async Task A_HEIC_with_ten_bits_or_opacity_keeps_its_colours_on_white(string name, byte red, byte green, byte blue)
    {
        var stored = await user.StoreAsync(TestImage.Bytes(name), Ct);
        var jpeg = ShouldBeBare(stored);
        (jpeg.Width, jpeg.Height).ShouldBe((192, 128));
        // In alpha.heic every other square of this quarter is transparent.
        var look = TestImage.Look(stored);
        ShouldBeColour(look[0], [red, green, blue], 8);
        ShouldBeColour(look[3], [30, 160, 60], 8);
    }

    [Fact]
    public async Task A_HEIC_that_declares_too_many_pixels_is_refused_by_its_header()
    {
        var heic = TestImage.Bytes("photo.heic");
        var size = heic.AsSpan().IndexOf("ispe"u8) + 8;
        (heic[size + 2], heic[size + 6]) = (0x30, 0x30);
        await user.StoreAsync(TestImage.Bytes("photo.heic"), Ct);
        var worker = await LinuxProcess.WorkerOfAsync(server.Process);
        var before = worker.ForgetPeak();
        (await (await user.Client.UploadAsync(heic, Ct)).ShouldBeProblemAsync(HttpStatusCode.BadRequest))
            .GetProperty("max_pixels").GetInt64().ShouldBe(new DecodingOptions().MaxPixels);
        (worker.Megabytes("VmHWM") - before).ShouldBeLessThan(50);
    }

    [Fact]
    public async Task A_worker_loads_ImageMagick_for_the_first_HEIC_and_the_service_loads_no_decoder()
    {
        await (await LinuxProcess.WorkerOfAsync(server.Process)).EndAsync();
        await user.StoreAsync(TestImage.Bytes("photo.avif"), Ct);
        var worker = await LinuxProcess.WorkerOfAsync(server.Process);
        worker.Loaded.ShouldContain(l => l.EndsWith("libvips.so.42", StringComparison.Ordinal));
        worker.Loaded.ShouldNotContain(l => l.Contains("Magick.Native", StringComparison.Ordinal));
        await user.StoreAsync(TestImage.Bytes("photo.heic"), Ct);
        worker.Loaded.ShouldContain(l => l.Contains("Magick.Native", StringComparison.Ordinal));
        string[] files = [.. new LinuxProcess(server.Process.ProcessId).Loaded.Select(l => Path.GetFileName(l)!)];
        files.ShouldContain("Profiles.Worker.dll");
        files.ShouldNotContain(f => f.Contains("vips", StringComparison.OrdinalIgnoreCase) ||
            f.Contains("Magick", StringComparison.Ordinal));
        // What only a bucket or a command needs.
        files.ShouldNotContain(f => f.StartsWith("AWSSDK", StringComparison.Ordinal) || f.StartsWith("Spectre", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public async Task A_progressive_photo_that_is_shrunk_during_decoding_is_upright(int orientation) =>
        (await ShouldBeTheSceneAsync(Photo.Turned(orientation), 1024, 683)).ShouldBeLessThan(8);

    [Fact]
    public async Task CMYK_and_YCCK_give_the_same_colours() =>
        TestImage.Difference(TestImage.Look(await user.StoreAsync(TestImage.Bytes("ycck.jpg"), Ct)),
            TestImage.Look(await user.StoreAsync(TestImage.Bytes("cmyk.jpg"), Ct))).ShouldBeLessThan(8);

    public static MatrixTheoryData<string, string> WideColourFiles =>
        new([WideColours.DisplayP3.Name, WideColours.AdobeRgb.Name], ["PNG", "JPEG"]);

    [Theory]
    [MemberData(nameof(WideColourFiles))]
    public async Task A_saturated_colour_keeps_its_look_although_its_samples_change(string space, string format)
    {
        var (wide, green) = (Wide(space), (byte[])[20, 200, 60]);
        var samples = wide.FromSrgb(green[0], green[1], green[2]);
        Math.Abs(samples[0] - green[0]).ShouldBeGreaterThan(50, "Dropping the profile alone would change the colour.");
        var png = TestImage.Png(32, 32, samples[0], samples[1], samples[2]);
        var stored = await user.StoreAsync(format == "PNG"
            ? Photo.WithChunks(png, ("iCCP", [.. "x\0\0"u8, .. Photo.Zlib(wide.Profile())]))
            : Photo.WithSegments(Photo.AsJpeg(png), (0xE2, [.. "ICC_PROFILE\0"u8, 1, 1, .. wide.Profile()])), Ct);
        ShouldBeBare(stored);
        ShouldBeColour(TestImage.Look(stored)[5], green, 6);
    }

    // Colour type, its depths, the samples of a dark and of a light pixel, and their colours.
    static readonly (int Type, int[] Depths, Func<int, int[]> Dark, Func<int, int[]> Light, byte[] DarkColour,
        byte[] LightColour)[] PngTypes =
    [
        (0, [1, 2, 4, 8, 16], _ => [0], depth => [depth == 16 ? 255 : (1 << depth) - 1], [0, 0, 0], [255, 255, 255]),
        (2, [8, 16], _ => [160, 20, 30], _ => [30, 60, 200], [160, 20, 30], [30, 60, 200]),
        (3, [1, 2, 4, 8], _ => [0], _ => [1], [160, 20, 30], [30, 60, 200]),
        (4, [8, 16], _ => [100, 255], _ => [100, 0], [100, 100, 100], [255, 255, 255]),
        (6, [8, 16], _ => [160, 20, 30, 255], _ => [160, 20, 30, 0], [160, 20, 30], [255, 255, 255]),
    ];

    public static TheoryData<int, int, bool> PngKinds =>
        [.. PngTypes.SelectMany(t => t.Depths.SelectMany(d => (TheoryDataRow<int, int, bool>[])[(t.Type, d, false), (t.Type, d, true)]))];

    [Theory]
    [MemberData(nameof(PngKinds))]
    public async Task A_PNG_of_every_colour_type_and_depth_keeps_its_colours_interlaced_or_not(int type, int depth, bool interlaced)
    {
        var (_, _, dark, light, darkColour, lightColour) = PngTypes.Single(t => t.Type == type);
        (string, byte[])[] palette = type == 3 ? [("PLTE", [160, 20, 30, 30, 60, 200])] : [];
        // Neither side is a multiple of the interlacing's step.
        var png = Photo.Png(45, 27, type, depth, interlaced, (x, _) => x < 22 ? dark(depth) : light(depth), palette);
        var stored = await user.StoreAsync(png, Ct);
        var jpeg = ShouldBeBare(stored);
        (jpeg.Width, jpeg.Height).ShouldBe((45, 27));
        var look = TestImage.Look(stored);
        foreach (var row in (int[])[0, 4, 8, 12])
        {
            ShouldBeColour(look[row], darkColour, 12);
            ShouldBeColour(look[row + 3], lightColour, 12);
        }
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(0, 16)]
    [InlineData(2, 8)]
    [InlineData(2, 16)]
    [InlineData(3, 8)]
    public async Task The_transparent_colour_of_a_PNG_becomes_white(int type, int depth)
    {
        var (_, _, dark, light, _, lightColour) = PngTypes.Single(t => t.Type == type);
        // A palette has the opacity of each colour; the other types name one transparent colour, in two bytes for each sample.
        byte[] transparent = type == 3 ? [0] : [.. dark(depth).SelectMany(s => new[] { depth == 16 ? (byte)s : (byte)0, (byte)s })];
        (string, byte[])[] chunks = [.. type == 3 ? [("PLTE", (byte[])[160, 20, 30, 30, 60, 200])] : Array.Empty<(string, byte[])>(),
            ("tRNS", transparent)];
        var png = Photo.Png(45, 27, type, depth, interlaced: false, (x, _) => x < 22 ? dark(depth) : light(depth), chunks);
        var look = TestImage.Look(await user.StoreAsync(png, Ct));
        ShouldBeColour(look[0], [255, 255, 255], 6);
        ShouldBeColour(look[3], lightColour, 12);
    }

    static readonly Random Noise = new(2026);

    // The data that cameras and their programs put into an image or behind it. Each contains the location.
    static readonly Dictionary<string, Func<byte[]>> WithData = new()
    {
        ["4 MB of EXIF and maker's notes"] = () => Photo.WithSegments(TestImage.Bytes("upright.jpg"),
            [.. Enumerable.Range(0, 64).Select(i => (i % 2 == 0 ? (byte)0xE1 : (byte)0xE2, Told(65_000)))]),
        ["200 segments of 64 kB"] = () => Photo.WithSegments(TestImage.Bytes("upright.jpg"),
            [.. Enumerable.Range(0, 200).Select(i => ((byte)(0xE1 + (i % 13)), Told(65_533)))]),
        ["a hundred comments"] = () => Photo.WithSegments(TestImage.Bytes("upright.jpg"),
            [.. Enumerable.Repeat(((byte)0xFE, Told(10_000)), 100)]),
        ["a film after the end"] = () => [.. TestImage.Bytes("upright.jpg"), 0, 0, 0, 24, .. "ftypmp42"u8, 0, 0, 0, 0, .. "isommp42"u8,
            .. Told(3_000_000)],
        ["a second image after the end"] = () => [.. Photo.WithSegments(TestImage.Bytes("upright.jpg"),
            (0xE2, [.. "MPF\0"u8, .. Told(80)])), .. Photo.WithSegments(TestImage.Bytes("grey.jpg"), (0xE1, Told(5000)))],
        ["10,000 texts"] = () => Photo.WithChunks(TestImage.Bytes("palette.png"),
            Enumerable.Range(0, 10_000).Select(i => ("tEXt", Encoding.ASCII.GetBytes($"Key{i}\0{Secret}")))),
        ["texts that unpack to 600 MB"] = () => Photo.WithChunks(TestImage.Bytes("palette.png"),
            Enumerable.Repeat(("zTXt", (byte[])[.. "Comment\0\0"u8, .. Vast]), 6)),
        ["international texts that unpack to 600 MB"] = () => Photo.WithChunks(TestImage.Bytes("palette.png"),
            Enumerable.Repeat(("iTXt", (byte[])[.. "Comment\0\u0001\0\0\0"u8, .. Vast]), 6)),
        ["EXIF in a PNG"] = () => Photo.WithChunks(TestImage.Bytes("palette.png"), ("eXIf", Told(60_000))),
        ["a profile of 4 MB"] = () => Photo.WithChunks(TestImage.Bytes("interlaced.png"),
            ("iCCP", [.. "x\0\0"u8, .. Photo.Zlib(Padded(WideColours.DisplayP3.Profile(), 4_000_000))])),
        ["a profile that unpacks to 100 MB"] = () => Photo.WithChunks(TestImage.Bytes("interlaced.png"), ("iCCP", [.. "x\0\0"u8, .. Vast])),
    };

    static byte[] Vast => field ??= Photo.Zlib([.. Encoding.ASCII.GetBytes(Secret), .. new byte[100_000_000]], CompressionLevel.Optimal);

    public static TheoryData<string> FilesWithData => [.. WithData.Keys];

    [Theory]
    [MemberData(nameof(FilesWithData))]
    public async Task Data_beside_the_pixels_is_not_stored_and_costs_little_memory(string what)
    {
        var image = WithData[what]();
        await user.StoreAsync(TestImage.Bytes("upright.jpg"), Ct);
        var worker = await LinuxProcess.WorkerOfAsync(server.Process);
        var before = worker.ForgetPeak();
        var stored = await user.StoreAsync(image, Ct);
        ShouldBeBare(stored);
        stored.AsSpan().IndexOf(Encoding.ASCII.GetBytes(Secret)).ShouldBe(-1);
        stored.AsSpan().IndexOf("ftyp"u8).ShouldBe(-1);
        var more = worker.Megabytes("VmHWM") - before;
        output.WriteLine($"{more:0} MB for a file of {image.Length} bytes");
        more.ShouldBeLessThan(60);
    }

    [Fact]
    public async Task The_first_frame_of_an_animated_PNG_is_shown()
    {
        byte[] Control(int number) => [0, 0, 0, (byte)number, 0, 0, 0, 16, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 10, 0, 0];
        var (red, blue) = (TestImage.Png(16, 16, 200, 0, 0), TestImage.Png(16, 16, 0, 0, 200));
        // The only chunk of pixels follows the header of 33 bytes.
        var moving = Photo.WithChunks(red, ("acTL", [0, 0, 0, 2, 0, 0, 0, 0]), ("fcTL", Control(0)));
        moving = [.. moving[..^12], .. TestImage.Chunk("fcTL", Control(1)),
            .. TestImage.Chunk("fdAT", [0, 0, 0, 2, .. blue[41..^16]]), .. moving[^12..]];
        ShouldBeColour(TestImage.Look(await user.StoreAsync(moving, Ct))[5], [200, 0, 0], 6);
    }

    [Fact]
    public async Task The_first_of_five_thousand_WebP_frames_is_shown()
    {
        var webp = TestImage.Bytes("animated.webp");
        var frames = Riff(webp).Where(c => c.Type == "ANMF").Select(c => c.Bytes).ToArray();
        byte[] head = [.. Riff(webp).TakeWhile(c => c.Type != "ANMF").SelectMany(c => c.Bytes)];
        byte[] body = [.. "WEBP"u8, .. head, .. frames[0], .. Enumerable.Repeat(frames[1], 4999).SelectMany(f => f)];
        var stored = await user.StoreAsync([.. "RIFF"u8, .. BitConverter.GetBytes(body.Length), .. body], Ct);
        TestImage.Difference(TestImage.Look(stored), TestImage.Look(TestImage.Bytes("upright.jpg"))).ShouldBeLessThan(30);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 5000)]
    [InlineData(5000, 3)]
    [InlineData(65_500, 15)]
    public async Task An_image_of_a_few_pixels_in_one_direction_is_accepted(int width, int height)
    {
        var png = TestImage.Png(width, height, 200, 0, 0);
        foreach (var image in (byte[][])[png, Photo.AsJpeg(png)])
            ShouldBeColour(TestImage.Look(await user.StoreAsync(image, Ct))[0], [200, 0, 0], 6);
    }

    [Fact]
    public async Task Another_worker_makes_the_same_bytes_of_the_same_image()
    {
        var once = await user.StoreAsync(TestImage.Bytes("large.jpg"), Ct);
        await (await LinuxProcess.WorkerOfAsync(server.Process)).EndAsync();
        (await user.StoreAsync(TestImage.Bytes("large.jpg"), Ct)).ShouldBe(once);
    }

    static readonly string[] Originals =
    [
        "upright.jpg", "progressive.jpg", "ycck.jpg", "palette.png", "interlaced.png", "grey16-alpha.png",
        "photo.webp", "animated.webp", "animated.gif", "photo.heic", "phone.heic", "photo.avif",
    ];

    [Fact]
    public async Task Each_of_hundreds_of_corrupted_images_is_accepted_or_refused_and_the_server_leaks_nothing()
    {
        const int Each = 20;
        await user.StoreAsync(TestImage.Bytes("upright.jpg"), Ct);
        var process = new LinuxProcess(server.Process.ProcessId);
        var (descriptors, memory) = (process.Descriptors.Count, process.Megabytes("VmRSS"));
        Dictionary<string, int> answers = [];
        foreach (var name in Originals)
        {
            // Fixed random numbers make failures reproducible.
            var random = new Random(Originals.IndexOf(name));
            for (var i = 0; i < Each; i++)
            {
                using var response = await user.Client.UploadAsync(Corrupted(TestImage.Bytes(name), random), Ct);
                response.StatusCode.ShouldBeOneOf([HttpStatusCode.OK, HttpStatusCode.BadRequest], $"{name}, {i}");
                var said = response.StatusCode == HttpStatusCode.OK
                    ? "accepted" : (await response.ShouldBeProblemAsync(HttpStatusCode.BadRequest)).GetProperty("detail").GetString()!;
                answers[said] = answers.GetValueOrDefault(said) + 1;
                if (said.Contains("limits of", StringComparison.Ordinal))
                    output.WriteLine($"{name}, {i} ended its worker.");
            }
        }
        output.WriteLine(string.Join("; ", answers.Select(a => $"{a.Key}: {a.Value}")));
        answers.Keys.ShouldContain("accepted");
        answers.Keys.ShouldContain("Invalid file format");
        await user.StoreAsync(TestImage.Bytes("upright.jpg"), Ct);
        process.IsGone.ShouldBeFalse();
        output.WriteLine($"{process.Descriptors.Count - descriptors} descriptors and {process.Megabytes("VmRSS") - memory} MB more");
        process.Descriptors.Count.ShouldBeLessThan(descriptors + 10);
        (process.Megabytes("VmRSS") - memory).ShouldBeLessThan(60);
    }

    static byte[] Corrupted(byte[] image, Random random)
    {
        switch (random.Next(4))
        {
            case 0:
                for (var bits = random.Next(1, 6); bits > 0; bits--)
                    image[random.Next(image.Length)] ^= (byte)(1 << random.Next(8));
                return image;
            case 1:
                // Changes the structure.
                image[random.Next(Math.Min(600, image.Length))] = (byte)random.Next(256);
                return image;
            case 2:
                return image[..random.Next(image.Length)];
            default:
                // Copies a piece to another place.
                var from = random.Next(image.Length);
                var to = random.Next(image.Length);
                return [.. image[..to], .. image[from..Math.Min(image.Length, from + random.Next(1, 400))], .. image[to..]];
        }
    }

    // The difference between the stored image and the scene.
    async Task<double> ShouldBeTheSceneAsync(byte[] image, int width, int height)
    {
        var stored = await user.StoreAsync(image, Ct);
        var jpeg = ShouldBeBare(stored);
        (jpeg.Width, jpeg.Height).ShouldBe((width, height));
        return TestImage.Difference(TestImage.Look(stored), TestImage.Look(TestImage.Bytes("upright.jpg")));
    }

    static Jpeg ShouldBeBare(byte[] stored)
    {
        var jpeg = Jpeg.Read(stored);
        jpeg.Channels.ShouldBe(3);
        jpeg.Markers.ShouldBeSubsetOf(ImageMarkers);
        return jpeg;
    }

    static void ShouldBeColour(double[] cell, byte[] colour, double difference) =>
        cell.Zip(colour, (is_, should) => Math.Abs(is_ - should)).Max()
            .ShouldBeLessThan(difference, $"It is {string.Join(", ", cell)} and not {string.Join(", ", colour)}.");

    // With a film of 10 MB behind it, as phones send it.
    static byte[] Large(string photo) => photo.Split(" MP, ") switch
    {
        [var megapixels, var kind] => [.. Photo.Enlarged(
            megapixels switch { "13" => 13, "48" => 25, _ => 36 }, quality: 75, progressive: kind == "progressive",
            restartInterval: kind.Contains("restart", StringComparison.Ordinal) ? 8 : null),
            .. new byte[10_000_000]],
        _ => TestImage.Bytes(photo),
    };

    static WideColours Wide(string name) => name == WideColours.AdobeRgb.Name ? WideColours.AdobeRgb : WideColours.DisplayP3;

    static byte[] Told(int length)
    {
        var bytes = new byte[length];
        lock (Noise)
            Noise.NextBytes(bytes);
        Encoding.ASCII.GetBytes(Secret).CopyTo(bytes, length / 2);
        return bytes;
    }

    static byte[] Padded(byte[] profile, int length)
    {
        byte[] padded = [.. profile, .. Told(length - profile.Length)];
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(padded, length);
        return padded;
    }

    // Whole chunks, with type and length.
    static IEnumerable<(string Type, byte[] Bytes)> Riff(byte[] webp)
    {
        for (var at = 12; at < webp.Length;)
        {
            var length = 8 + ((BitConverter.ToInt32(webp, at + 4) + 1) / 2 * 2);
            yield return (Encoding.ASCII.GetString(webp, at, 4), webp[at..(at + length)]);
            at += length;
        }
    }
}
