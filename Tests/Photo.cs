using System.Buffers.Binary;
using System.IO.Compression;
using System.Numerics;
using NetVips;
using Profiles.Infrastructure.Decoding.Worker;

namespace Profiles.Tests;

/// <summary>Makes images like those of phones and their programs: too large or too many to keep as files.</summary>
static class Photo
{
    /// <summary>The scene of <c>upright.jpg</c> as an enlarged JPEG.</summary>
    public static byte[] Enlarged(int times, int quality, bool progressive = false, int? restartInterval = null) =>
        Saved(TestImage.Bytes("upright.jpg"), i => i.JpegsaveBuffer(quality, optimizeCoding: progressive, interlace: progressive,
            restartInterval: restartInterval, keep: Enums.ForeignKeep.None),
            i => i.Resize(times, Enums.Kernel.Nearest));

    /// <summary>
    /// The scene as a progressive JPEG of 2400 x 1600 with this EXIF orientation, its pixels rotated or mirrored to match.
    /// </summary>
    public static byte[] Turned(int orientation)
    {
        // The inverse of each orientation.
        Func<Image, Image> turn = orientation switch
        {
            1 => i => i.Copy(),
            2 => i => i.FlipHor(),
            3 => i => i.Rot180(),
            4 => i => i.FlipVer(),
            5 => i => i.Rot90().FlipHor(),
            6 => i => i.Rot270(),
            7 => i => i.Rot90().FlipVer(),
            _ => i => i.Rot90(),
        };
        byte[] exif = [.. "Exif\0\0MM\0*\0\0\0\b\0\u0001\u0001\u0012\0\u0003\0\0\0\u0001\0"u8, (byte)orientation, 0, 0, 0, 0, 0, 0];
        return WithSegments(Saved(TestImage.Bytes("large.jpg"),
            i => i.JpegsaveBuffer(85, optimizeCoding: true, interlace: true, keep: Enums.ForeignKeep.None), turn), (0xE1, exif));
    }

    /// <summary>A JPEG with further segments after its first marker.</summary>
    public static byte[] WithSegments(byte[] jpeg, params (byte Marker, byte[] Content)[] segments) =>
        [.. jpeg[..2], .. segments.SelectMany(s => Segment(s.Marker, s.Content)), .. jpeg[2..]];

    /// <summary>A progressive JPEG of one dark colour: a pixel takes a 24th of a byte in the file and 6 bytes in the decoder.</summary>
    public static byte[] ProgressiveBomb(int width, int height)
    {
        byte[] frame = [8, (byte)(height >> 8), (byte)height, (byte)(width >> 8), (byte)width, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0];
        // One code, the bit 0: no difference from the previous block.
        byte[] codes = [0, 1, .. new byte[15], 0];
        byte[] scan = [3, 1, 0, 2, 0, 3, 0, 0, 0, 0];
        var blocks = (width + 7) / 8 * ((height + 7) / 8) * 3;
        return [0xFF, 0xD8, .. Segment(0xDB, [0, .. Enumerable.Repeat((byte)1, 64)]), .. Segment(0xC2, frame), .. Segment(0xC4, codes),
            .. Segment(0xDA, scan), .. new byte[(blocks + 7) / 8], 0xFF, 0xD9];
    }

    /// <summary>
    /// A PNG of this colour type, depth and interlacing. A function gives its samples, of at most 8 bits, which are widened as needed;
    /// further chunks precede the pixels.
    /// </summary>
    public static byte[] Png(int width, int height, int type, int depth, bool interlaced, Func<int, int, int[]> samples,
        params (string Type, byte[] Content)[] chunks)
    {
        using var packed = new MemoryStream();
        using (var pixels = new ZLibStream(packed, CompressionLevel.Fastest))
        {
            // Adam7: the first pixel of each pass and the distance of its pixels, across and down.
            (int X, int Y, int Across, int Down)[] passes = interlaced
                ? [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
                : [(0, 0, 1, 1)];
            foreach (var pass in passes.Where(p => p.X < width))
            {
                for (var y = pass.Y; y < height; y += pass.Down)
                    pixels.Write(Line([.. Enumerable.Range(0, (width - pass.X + pass.Across - 1) / pass.Across)
                        .SelectMany(i => samples(pass.X + (i * pass.Across), y))], depth));
            }
        }
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9], header[12]) = ((byte)depth, (byte)type, (byte)(interlaced ? 1 : 0));
        return [0x89, .. "PNG\r\n"u8, 0x1A, (byte)'\n', .. TestImage.Chunk("IHDR", header),
            .. chunks.SelectMany(c => TestImage.Chunk(c.Type, c.Content)), .. TestImage.Chunk("IDAT", packed.ToArray()),
            .. TestImage.Chunk("IEND", [])];
    }

    /// <summary>A blank PNG of 8 bytes a pixel, each line with the most costly filter; its last checksum is wrong.</summary>
    public static byte[] PngOfZeros(int width, int height)
    {
        const byte Paeth = 4;
        byte[] line = [Paeth, .. new byte[width * 8]];
        using var packed = new MemoryStream();
        using (var pixels = new ZLibStream(packed, CompressionLevel.SmallestSize))
        {
            pixels.Write(line);
            pixels.Flush();
            var first = (int)packed.Length;
            pixels.Write(line);
            pixels.Flush();
            // After an equal line, each line compresses the same way.
            var next = packed.ToArray()[first..];
            for (var y = 2; y < height; y++)
                packed.Write(next);
        }
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9]) = (16, 6);
        return [0x89, .. "PNG\r\n"u8, 0x1A, (byte)'\n', .. TestImage.Chunk("IHDR", header), .. TestImage.Chunk("IDAT", packed.ToArray()),
            .. TestImage.Chunk("IEND", [])];
    }

    /// <summary>A PNG with further chunks before its pixels.</summary>
    public static byte[] WithChunks(byte[] png, params IEnumerable<(string Type, byte[] Content)> chunks)
    {
        using var all = new MemoryStream();
        all.Write(png.AsSpan(0, 33));
        foreach (var (type, content) in chunks)
            all.Write(TestImage.Chunk(type, content));
        all.Write(png.AsSpan(33));
        return all.ToArray();
    }

    /// <summary>
    /// The image of <c>photo.heic</c> as an HDR photo of iOS 18: its gain map is the auxiliary image of two items, the photo and the tone
    /// map derived from both.
    /// </summary>
    public static byte[] HeicWithGainMap()
    {
        var heic = TestImage.Bytes("photo.heic");
        byte[] Property(string type)
        {
            var at = heic.AsSpan().IndexOf(System.Text.Encoding.ASCII.GetBytes(type)) - 4;
            return heic[at..(at + BinaryPrimitives.ReadInt32BigEndian(heic.AsSpan(at)))];
        }
        var coded = heic[(heic.AsSpan().IndexOf("mdat"u8) + 4)..];
        var toneMap = new byte[62];
        byte[] Item(byte id, string type) => Box("infe", [2, 0, 0, 0, 0, id, 0, 0, .. System.Text.Encoding.ASCII.GetBytes(type), 0]);
        byte[] Meta(int data) => Box("meta", [0, 0, 0, 0,
            .. Box("hdlr", [0, 0, 0, 0, 0, 0, 0, 0, .. "pict"u8, .. new byte[13]]), .. Box("pitm", [0, 0, 0, 0, 0, 1]),
            .. Box("iloc", [0, 0, 0, 0, 0x44, 0, 0, 3, .. Place(1, data, coded.Length), .. Place(2, data, coded.Length),
                .. Place(3, data + coded.Length, toneMap.Length)]),
            .. Box("iinf", [0, 0, 0, 0, 0, 3, .. Item(1, "hvc1"), .. Item(2, "hvc1"), .. Item(3, "tmap")]),
            .. Box("iref", [0, 0, 0, 0, .. Box("auxl", [0, 2, 0, 2, 0, 1, 0, 3]), .. Box("dimg", [0, 3, 0, 2, 0, 1, 0, 2])]),
            .. Box("iprp", [
                .. Box("ipco", [.. Property("hvcC"), .. Property("ispe"), .. Property("pixi"),
                    .. Box("auxC", [0, 0, 0, 0, .. "urn:com:apple:photo:2020:aux:hdrgainmap\0"u8])]),
                .. Box("ipma", [0, 0, 0, 0, 0, 0, 0, 3, 0, 1, 3, 0x81, 2, 0x83, 0, 2, 4, 0x81, 2, 0x83, 0x84, 0, 3, 2, 2, 0x83])])]);
        var head = Box("ftyp", [.. "heic"u8, 0, 0, 0, 0, .. "mif1heictmap"u8]);
        return [.. head, .. Meta(head.Length + Meta(0).Length + 8), .. Box("mdat", [.. coded, .. toneMap])];

        byte[] Place(byte id, int offset, int length)
        {
            var place = new byte[14];
            (place[1], place[5]) = (id, 1);
            BinaryPrimitives.WriteInt32BigEndian(place.AsSpan(6), offset);
            BinaryPrimitives.WriteInt32BigEndian(place.AsSpan(10), length);
            return place;
        }
    }

    static byte[] Box(string type, byte[] content)
    {
        byte[] box = [0, 0, 0, 0, .. System.Text.Encoding.ASCII.GetBytes(type), .. content];
        BinaryPrimitives.WriteInt32BigEndian(box, box.Length);
        return box;
    }

    /// <summary>A JPEG with the pixels of a PNG and none of its metadata.</summary>
    public static byte[] AsJpeg(byte[] png) => Saved(png, i => i.JpegsaveBuffer(95, keep: Enums.ForeignKeep.None));

    public static byte[] Zlib(ReadOnlySpan<byte> bytes, CompressionLevel level = CompressionLevel.Fastest)
    {
        using var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, level))
            zlib.Write(bytes);
        return packed.ToArray();
    }

    static byte[] Saved(byte[] image, Func<Image, byte[]> save, Func<Image, Image>? change = null)
    {
        Vips.Start();
        using var loaded = Image.NewFromBuffer(image);
        using var changed = change?.Invoke(loaded);
        return save(changed ?? loaded);
    }

    // Packs the bits of a line behind its filter type (none).
    static byte[] Line(int[] samples, int depth)
    {
        if (depth == 16)
            return [0, .. samples.SelectMany(s => new[] { (byte)s, (byte)s })];
        var line = new byte[1 + (((samples.Length * depth) + 7) / 8)];
        for (var i = 0; i < samples.Length; i++)
            line[1 + (i * depth / 8)] |= (byte)(samples[i] << (8 - depth - (i * depth % 8)));
        return line;
    }

    static byte[] Segment(byte marker, byte[] content)
    {
        var size = content.Length + 2;
        return [0xFF, marker, (byte)(size >> 8), (byte)size, .. content];
    }
}

/// <summary>A colour space wider than sRGB: converts sRGB colours into it and makes its ICC profile.</summary>
sealed record WideColours(string Name, Matrix4x4 Primaries, double[] Curve)
{
    // The primaries (the columns), adapted from their white (D65) to that of ICC profiles (D50).
    public static readonly WideColours AdobeRgb = new("Adobe RGB (1998)",
        Columns(0.60974f, 0.31111f, 0.01947f, 0.20528f, 0.62567f, 0.06087f, 0.14919f, 0.06322f, 0.74457f), [563 / 256.0]);
    public static readonly WideColours DisplayP3 = new("Display P3",
        Columns(0.51512f, 0.24120f, -0.00105f, 0.29198f, 0.69225f, 0.04189f, 0.15710f, 0.06657f, 0.78407f), SrgbCurve);

    static readonly Matrix4x4 Srgb = Columns(0.43607f, 0.22249f, 0.01392f, 0.38515f, 0.71687f, 0.09708f, 0.14307f, 0.06061f, 0.71410f);

    // g, a, b, c, d of ICC's parametric curve of type 3.
    static double[] SrgbCurve => [2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045];

    /// <summary>The samples of an sRGB colour in this space.</summary>
    public byte[] FromSrgb(byte red, byte green, byte blue)
    {
        var linear = new Vector3(Linear(red), Linear(green), Linear(blue));
        Matrix4x4.Invert(Primaries, out var inverse).ShouldBeTrue();
        var here = Vector3.Transform(Vector3.Transform(linear, Srgb), inverse);
        return [Sample(here.X), Sample(here.Y), Sample(here.Z)];

        static float Linear(byte sample) => (float)Decode(sample / 255.0, SrgbCurve);
    }

    /// <summary>A minimal ICC profile: the white, three primaries and their curve.</summary>
    public byte[] Profile()
    {
        byte[] curve = [.. "para"u8, 0, 0, 0, 0, 0, (byte)(Curve.Length == 1 ? 0 : 3), 0, 0, .. Curve.SelectMany(Fixed)];
        byte[] Xyz(float x, float y, float z) => [.. "XYZ "u8, 0, 0, 0, 0, .. Fixed(x), .. Fixed(y), .. Fixed(z)];
        byte[] Text(string text) => [.. "mluc"u8, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 12, .. "enUS"u8, 0, 0, 0, (byte)(text.Length * 2), 0, 0,
            0, 28, .. System.Text.Encoding.BigEndianUnicode.GetBytes(text)];
        (string Tag, byte[] Content)[] tags =
        [
            ("desc", Text(Name)), ("cprt", Text("None")), ("wtpt", Xyz(0.9642f, 1, 0.8249f)),
            ("rXYZ", Xyz(Primaries.M11, Primaries.M12, Primaries.M13)), ("gXYZ", Xyz(Primaries.M21, Primaries.M22, Primaries.M23)),
            ("bXYZ", Xyz(Primaries.M31, Primaries.M32, Primaries.M33)),
            ("rTRC", curve), ("gTRC", curve), ("bTRC", curve),
        ];
        var table = Number(tags.Length);
        byte[] body = [];
        foreach (var (tag, content) in tags)
        {
            table = [.. table, .. System.Text.Encoding.ASCII.GetBytes(tag), .. Number(128 + 4 + (12 * tags.Length) + body.Length),
                .. Number(content.Length)];
            body = [.. body, .. content, .. new byte[(4 - (content.Length % 4)) % 4]];
        }
        byte[] header =
        [
            .. Number(128 + table.Length + body.Length), .. new byte[4], 4, 0x20, 0, 0, .. "mntrRGB XYZ "u8, 7, 230, 0, 1, 0, 1, 0, 0, 0,
            0, 0, 0, .. "acsp"u8,
            .. new byte[28], .. Fixed(0.9642), .. Fixed(1), .. Fixed(0.8249), .. new byte[48],
        ];
        return [.. header, .. table, .. body];
    }

    byte Sample(float linear)
    {
        var value = Math.Clamp(linear, 0, 1);
        // The curve maps samples to light; the inverse tries every sample.
        return (byte)Enumerable.Range(0, 256).MinBy(s => Math.Abs(Decode(s / 255.0, Curve) - value));
    }

    static double Decode(double sample, double[] curve) => curve is [var g, var a, var b, var c, var d]
        ? sample >= d ? Math.Pow((a * sample) + b, g) : c * sample
        : Math.Pow(sample, curve[0]);

    // System.Numerics multiplies row vectors from the left: a textbook column is a row here.
    static Matrix4x4 Columns(params float[] m) => new(m[0], m[1], m[2], 0, m[3], m[4], m[5], 0, m[6], m[7], m[8], 0, 0, 0, 0, 1);

    static byte[] Fixed(double value) => Number((int)Math.Round(value * 65536));

    static byte[] Number(int value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        return bytes;
    }
}
