using System.Buffers.Binary;
using System.IO.Compression;
using System.Net.Http.Headers;
using NetVips;
using Profiles.Infrastructure.Decoding.Worker;
using Profiles.Infrastructure.Decoding.Worker.Protocol;

namespace Profiles.Tests;

/// <summary>Images to upload, and comparisons of the stored ones.</summary>
static class TestImage
{
    /// <summary>The upload paths, the documented one first.</summary>
    public static string[] Addresses { get; } = ["/me/upload-image", "/users/me/profile-image", "/user/profile/photo"];

    /// <summary>A file of <c>Tests/Images</c>.</summary>
    public static byte[] Bytes(string name) => File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Images", name));

    /// <summary>A PNG of one colour.</summary>
    public static byte[] Png(int width, int height, byte red, byte green, byte blue)
    {
        using var packed = new MemoryStream();
        using (var pixels = new ZLibStream(packed, CompressionLevel.Fastest))
        {
            byte[] line = [0, .. Enumerable.Repeat<byte[]>([red, green, blue], width).SelectMany(p => p)];
            for (var y = 0; y < height; y++)
                pixels.Write(line);
        }
        return [.. PngHeader(width, height), .. Chunk("IDAT", packed.ToArray()), .. Chunk("IEND", [])];
    }

    /// <summary>The start of a PNG: the signature and the chunk with the size.</summary>
    public static byte[] PngHeader(int width, int height)
    {
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9]) = (8, 2);
        return [0x89, .. "PNG\r\n"u8, 0x1A, (byte)'\n', .. Chunk("IHDR", header)];
    }

    /// <summary>A chunk of a PNG, with its checksum.</summary>
    public static byte[] Chunk(string type, byte[] content)
    {
        byte[] covered = [.. System.Text.Encoding.ASCII.GetBytes(type), .. content];
        var chunk = new byte[covered.Length + 8];
        BinaryPrimitives.WriteInt32BigEndian(chunk, content.Length);
        covered.CopyTo(chunk, 4);
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(chunk.Length - 4), Crc(covered));
        return chunk;
    }

    /// <summary>Sends one file as a form.</summary>
    public static async Task<HttpResponseMessage> UploadAsync(
        this HttpClient client, byte[] bytes, CancellationToken ct, string field = "image", string path = "/me/upload-image",
        string fileName = "photo.jpg", string? type = "image/jpeg")
    {
        using var file = new ByteArrayContent(bytes);
        if (type is not null)
            file.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
        using var form = new MultipartFormDataContent { { file, field, fileName } };
        return await client.PostAsync(path, form, ct);
    }

    /// <summary>Uploads an image and returns its address.</summary>
    public static async Task<string> UploadForUrlAsync(this HttpClient client, byte[] bytes, CancellationToken ct) =>
        (await (await client.UploadAsync(bytes, ct)).ShouldBeAsync(System.Net.HttpStatusCode.OK)).GetProperty("image_url").GetString()!;

    /// <summary>The file of a shown image and those of its variants, in order.</summary>
    public static string[] WithVariants(string file)
    {
        var version = ProcessedImage.VersionOf(File.ReadAllBytes(file));
        return [file, .. ((string[])["256", "512", "96"])
            .Select(side => file.Replace(".jpg", $"_{side}.{version}.jpg", StringComparison.Ordinal))];
    }

    /// <summary>The average colour of each cell of a 4 x 4 raster over a JPEG, line by line, as red, green and blue.</summary>
    public static double[][] Look(byte[] jpeg)
    {
        const int Cells = 4;
        Vips.Start();
        using var image = Image.JpegloadBuffer(jpeg, failOn: Enums.FailOn.Warning);
        var (pixels, width, height) = (image.WriteToMemory<byte>(), image.Width, image.Height);
        pixels.Length.ShouldBe(width * height * 3);
        var sums = Enumerable.Range(0, Cells * Cells).Select(_ => new double[4]).ToArray();
        for (var at = 0; at < width * height; at++)
        {
            var cell = sums[(at / width * Cells / height * Cells) + (at % width * Cells / width)];
            cell[3]++;
            for (var band = 0; band < 3; band++)
                cell[band] += pixels[(at * 3) + band];
        }
        return [.. sums.Select(c => c[..3].Select(sum => sum / c[3]).ToArray())];
    }

    /// <summary>The largest difference between two looks in any cell and channel, out of 255.</summary>
    public static double Difference(double[][] one, double[][] other) =>
        one.Zip(other).SelectMany(cells => cells.First.Zip(cells.Second, (a, b) => Math.Abs(a - b))).Max();

    static uint Crc(byte[] bytes)
    {
        var crc = uint.MaxValue;
        foreach (var b in bytes)
        {
            crc ^= b;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc >> 1) ^ ((crc & 1) * 0xEDB88320);
        }
        return ~crc;
    }
}

/// <summary>The content of a JPEG's markers.</summary>
/// <param name="Width">In pixels.</param>
/// <param name="Height">In pixels.</param>
/// <param name="Channels">1 for grey, 3 for colour, 4 for CMYK.</param>
/// <param name="Markers">The codes of all segments in order, except the first and the last.</param>
sealed record Jpeg(int Width, int Height, int Channels, IReadOnlyList<byte> Markers)
{
    /// <summary>Reads a JPEG, which must be whole from its first marker to its last, with nothing after it.</summary>
    public static Jpeg Read(byte[] bytes)
    {
        var (width, height, channels) = (0, 0, 0);
        List<byte> markers = [];
        bytes.AsSpan(0, 2).SequenceEqual((byte[])[0xFF, 0xD8]).ShouldBeTrue("It does not start like a JPEG.");
        var at = 2;
        while (true)
        {
            bytes[at].ShouldBe((byte)0xFF);
            var marker = bytes[at + 1];
            if (marker == 0xD9)
            {
                (at + 2).ShouldBe(bytes.Length, "There are bytes after the end of the JPEG.");
                return new(width, height, channels, markers);
            }
            markers.Add(marker);
            if (marker is >= 0xC0 and <= 0xC2)
                (height, width, channels) = (BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(at + 5)),
                    BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(at + 7)), bytes[at + 9]);
            at += 2 + BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(at + 2));
            if (marker != 0xDA)
                continue;
            // Within the pixels, 00 or a restart marker follows FF; any other byte starts the next segment.
            while (bytes[at] != 0xFF || bytes[at + 1] is 0x00 or (>= 0xD0 and <= 0xD7))
                at++;
        }
    }
}
