using System.Reflection;
using System.Runtime.InteropServices;
using static Profiles.Infrastructure.Decoding.VipsNative;

namespace Profiles.Infrastructure.Decoding;

/// <summary>libvips refused an operation; the message is its own and may quote what the picture contains.</summary>
sealed class VipsException(string message) : Exception(message);

/// <summary>
/// libvips, set up for pictures from strangers: five loaders and no other, no cache, one thread for each picture.
/// Images, sources and targets are given back by disposing them.
/// </summary>
static class Vips
{
    const string Missing =
        "Pictures cannot be processed because libvips cannot be loaded: install the Debian package libvips42 " +
        "(libvips42t64 from Debian 13 and Ubuntu 24.04 on).";

    // 64x64 pixels of one colour.
    const string SmallestHeic =
        "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAUJtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAA" +
        "AA5waXRtAAAAAAABAAAAImlsb2MAAAAAREAAAQABAAAAAAFmAAEAAAAAAAAAGQAAACNpaW5mAAAAAAABAAAAFWluZmUCAAAAAAEA" +
        "AGh2YzEAAAAAwmlwcnAAAACkaXBjbwAAAHhodmNDAQNwAAAAAAAAAAAAHvAA/P34+AAADwMgAAEAGEABDAH//wNwAAADAJAAAAMA" +
        "AAMAHroCQCEAAQArQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbqSSmubgQEDAgAAAMACAAAAwAIQCIAAQAHRAHBcrAiQAAAABRpc3Bl" +
        "AAAAAAAAAEAAAABAAAAAEHBpeGkAAAAAAwgICAAAABZpcG1hAAAAAAAAAAEAAQOBAoMAAAAhbWRhdAAAABUoAa8ZgPd8hTf/8h/f" +
        "9+Wv97BXi0c=";

    // G_TYPE_OBJECT, "any object": GLib itself checks the class when a property is set.
    const nuint AnyObject = 20 << 2;

    static readonly Lazy<string> started = new(StartOnce);
    static readonly Lazy<bool> decodesHeic = new(TryHeic);

    /// <summary>The version of the loaded library, such as "8.14.1".</summary>
    public static string Version => started.Value;

    /// <summary>
    /// Whether HEIC can be decoded here. libvips may come without libheif and libheif without its HEVC decoder, so
    /// that only decoding a picture tells.
    /// </summary>
    public static bool DecodesHeic => decodesHeic.Value;

    /// <summary>Loads and starts libvips, once for the process; further calls cost nothing.</summary>
    /// <exception cref="InvalidOperationException">It is missing or does not start; the message says what to do.</exception>
    public static void Start() => _ = started.Value;

    /// <summary>Bytes for a loader. They must stay pinned until everything that reads them is disposed.</summary>
    public static unsafe VipsObject OpenSource(void* bytes, int length) =>
        Owned(vips_source_new_from_memory(bytes, (nuint)length), "source");

    /// <summary>Reads a picture's header; its pixels are decoded when they are asked for.</summary>
    public static VipsObject Load(string loader, VipsObject source, string options) =>
        Owned(Run(loader, options, "out", ("source", source)), loader);

    /// <summary>Prepares a step from image to image; most are computed only when the result is saved.</summary>
    public static VipsObject Apply(string operation, VipsObject image, string options) =>
        Owned(Run(operation, options, "out", ("in", image)), operation);

    /// <summary>Computes an image and keeps its pixels: damage among them shows here.</summary>
    public static VipsObject Decode(VipsObject image) => Owned(vips_image_copy_memory(image), "decode");

    /// <summary>
    /// What the decoders have said of a picture that they decoded all the same, and forgets it; null when they said nothing. One picture at a time: the text is the process's.
    /// </summary>
    public static string? TakeWarnings()
    {
        var text = vips_error_buffer_copy();
        try
        {
            return Marshal.PtrToStringUTF8(text)?.Trim() is { Length: > 0 } said ? said : null;
        }
        finally
        {
            g_free(text);
        }
    }

    /// <summary>Computes an image of three bands of eight bits and gives its pixels, line by line.</summary>
    public static unsafe byte[] Pixels(VipsObject image, out int width, out int height)
    {
        var memory = vips_image_write_to_memory(image, out var size);
        if (memory == 0) throw Failure("write_to_memory");
        try
        {
            (width, height) = (vips_image_get_width(image), vips_image_get_height(image));
            if (size != (nuint)width * (nuint)height * 3) throw new VipsException("The picture has not three bands of eight bits.");
            return new ReadOnlySpan<byte>((void*)memory, (int)size).ToArray();
        }
        finally
        {
            g_free(memory);
        }
    }

    /// <summary>Computes an image and writes it as a JPEG: damage among the pixels shows here at the latest.</summary>
    public static byte[] SaveJpeg(VipsObject image, string options)
    {
        const string Saver = "jpegsave_target";
        using var target = Owned(vips_target_new_to_memory(), Saver);
        Run(Saver, options, output: null, ("in", image), ("target", target));

        // Not vips_target_steal: in 8.14 it crashes on a target that a saver has finished.
        var box = default(GValue);
        g_value_init(ref box, vips_blob_get_type());
        try
        {
            g_object_get_property(target, "blob", ref box);
            var bytes = vips_value_get_blob(ref box, out var length);
            var jpeg = new byte[length];
            Marshal.Copy(bytes, jpeg, 0, jpeg.Length);
            return jpeg;
        }
        finally
        {
            g_value_unset(ref box);
        }
    }

    static VipsObject? Run(
        string name, string options, string? output, params ReadOnlySpan<(string Property, VipsObject Value)> inputs)
    {
        var operation = vips_operation_new(name);
        if (operation == 0) throw Failure(name);
        try
        {
            foreach (var (property, value) in inputs) SetObject(operation, property, value);
            if (vips_object_set_from_string(operation, options) != 0) throw Failure(name);
            if (vips_cache_operation_buildp(ref operation) != 0) throw Failure(name);
            return output is null ? null : GetObject(operation, output);
        }
        finally
        {
            vips_object_unref_outputs(operation);
            g_object_unref(operation);
        }
    }

    static void SetObject(nint operation, string property, VipsObject value)
    {
        var box = default(GValue);
        g_value_init(ref box, AnyObject);
        g_value_set_object(ref box, value);
        g_object_set_property(operation, property, ref box);
        g_value_unset(ref box);
    }

    static VipsObject GetObject(nint operation, string property)
    {
        var box = default(GValue);
        g_value_init(ref box, AnyObject);
        g_object_get_property(operation, property, ref box);
        var value = g_value_dup_object(ref box);
        g_value_unset(ref box);
        return value;
    }

    static VipsObject Owned(VipsObject? handle, string operation) =>
        handle is { IsInvalid: false } ? handle : throw Failure(operation);

    // libvips has one buffer of messages for the whole process: of two pictures that fail at once, one may get both
    // texts. Taking the text empties the buffer, which would grow otherwise.
    static VipsException Failure(string operation) => new($"{operation}: {TakeWarnings()}");

    static string StartOnce()
    {
        NativeLibrary.SetDllImportResolver(typeof(Vips).Assembly, Resolve);
        try
        {
            // By GLib, since .NET's own SetEnvironmentVariable does not reach native code. Any value silences the
            // warnings that libvips prints about a damaged picture.
            g_setenv("VIPS_WARNING", "1", overwrite: 0);
            if (vips_init("profiles") != 0)
                throw new InvalidOperationException("libvips does not start.", Failure("vips_init"));
        }
        catch (Exception missing) when (missing is DllNotFoundException or EntryPointNotFoundException)
        {
            throw new InvalidOperationException(Missing, missing);
        }

        // Two pictures at once are faster on two cores than two threads on one picture, and a stranger's picture does
        // not come twice.
        vips_concurrency_set(1);
        vips_cache_set_max(0);

        // The second wall behind ImageFormats.Sniff: a class of loaders is blocked with all below it.
        vips_operation_block_set("VipsForeignLoad", blocked: 1);
        foreach (var format in (string[])["Jpeg", "Png", "Webp", "Nsgif", "Heif"])
            vips_operation_block_set("VipsForeignLoad" + format, blocked: 0);

        return $"{vips_version(0)}.{vips_version(1)}.{vips_version(2)}";
    }

    // libvips has the same soname on every distribution; the names without a version come with developer packages only.
    static nint Resolve(string library, Assembly assembly, DllImportSearchPath? path)
    {
        var file = library switch
        {
            LibVips => "libvips.so.42",
            LibGObject => "libgobject-2.0.so.0",
            LibGlib => "libglib-2.0.so.0",
            _ => null,
        };
        return file is not null && NativeLibrary.TryLoad(file, out var handle) ? handle : 0;
    }

    static unsafe bool TryHeic()
    {
        Start();
        var picture = Convert.FromBase64String(SmallestHeic);
        try
        {
            fixed (byte* bytes = picture)
            {
                using var source = OpenSource(bytes, picture.Length);
                using var image = Load(ImageFormats.Loader(ImageFormat.Heic), source, "fail-on=warning");
                return SaveJpeg(image, "Q=50").Length > 0;
            }
        }
        catch (VipsException)
        {
            // The answer itself: this libvips has no HEVC decoder, and HEIC pictures are refused as any other format.
            return false;
        }
    }
}
