using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Profiles.Infrastructure.Decoding;

/// <summary>
/// The part of libvips' C API that <see cref="Vips"/> uses, in the C names. No function here is variadic: C# cannot
/// call those portably (arm64 passes their arguments elsewhere), so options travel as one string and objects as GValue.
/// </summary>
static partial class VipsNative
{
    // Mapped to the versioned sonames by Vips.Resolve.
    public const string LibVips = "vips";
    public const string LibGObject = "gobject";
    public const string LibGlib = "glib";

    [LibraryImport(LibVips, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int vips_init(string programName);

    [LibraryImport(LibVips)]
    public static partial int vips_version(int part);

    [LibraryImport(LibVips)]
    public static partial void vips_concurrency_set(int threads);

    [LibraryImport(LibVips)]
    public static partial void vips_cache_set_max(int operations);

    [LibraryImport(LibVips, StringMarshalling = StringMarshalling.Utf8)]
    public static partial void vips_operation_block_set(string className, int blocked);

    [LibraryImport(LibVips)]
    public static partial nint vips_error_buffer_copy();

    [LibraryImport(LibVips, StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint vips_operation_new(string nickname);

    [LibraryImport(LibVips, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int vips_object_set_from_string(nint operation, string options);

    [LibraryImport(LibVips)]
    public static partial int vips_cache_operation_buildp(ref nint operation);

    [LibraryImport(LibVips)]
    public static partial void vips_object_unref_outputs(nint operation);

    [LibraryImport(LibVips)]
    public static unsafe partial VipsObject vips_source_new_from_memory(void* data, nuint length);

    [LibraryImport(LibVips)]
    public static partial VipsObject vips_target_new_to_memory();

    [LibraryImport(LibVips)]
    public static partial nuint vips_blob_get_type();

    [LibraryImport(LibVips)]
    public static partial nint vips_value_get_blob(ref GValue value, out nuint length);

    [LibraryImport(LibVips)]
    public static partial int vips_image_get_width(VipsObject image);

    [LibraryImport(LibVips)]
    public static partial int vips_image_get_height(VipsObject image);

    [LibraryImport(LibVips)]
    public static partial int vips_image_get_n_pages(VipsObject image);

    [LibraryImport(LibVips, StringMarshalling = StringMarshalling.Utf8)]
    public static partial nuint vips_image_get_typeof(VipsObject image, string field);

    [LibraryImport(LibVips)]
    public static partial int vips_image_hasalpha(VipsObject image);

    [LibraryImport(LibVips)]
    public static partial VipsObject vips_image_copy_memory(VipsObject image);

    [LibraryImport(LibVips)]
    public static partial nint vips_image_write_to_memory(VipsObject image, out nuint size);

    [LibraryImport(LibGObject)]
    public static partial nint g_value_init(ref GValue value, nuint type);

    [LibraryImport(LibGObject)]
    public static partial void g_value_set_object(ref GValue value, VipsObject instance);

    [LibraryImport(LibGObject)]
    public static partial VipsObject g_value_dup_object(ref GValue value);

    [LibraryImport(LibGObject)]
    public static partial void g_value_unset(ref GValue value);

    [LibraryImport(LibGObject, StringMarshalling = StringMarshalling.Utf8)]
    public static partial void g_object_set_property(nint instance, string name, ref GValue value);

    [LibraryImport(LibGObject, StringMarshalling = StringMarshalling.Utf8)]
    public static partial void g_object_get_property(nint instance, string name, ref GValue value);

    [LibraryImport(LibGObject, StringMarshalling = StringMarshalling.Utf8)]
    public static partial void g_object_get_property(VipsObject instance, string name, ref GValue value);

    [LibraryImport(LibGObject)]
    public static partial void g_object_unref(nint instance);

    [LibraryImport(LibGlib)]
    public static partial void g_free(nint memory);

    [LibraryImport(LibGlib, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int g_setenv(string variable, string value, int overwrite);

    /// <summary>GLib's typed box: a type and two words that only GLib reads.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct GValue
    {
        nuint type;
        long data0;
        long data1;
    }
}

/// <summary>One reference to an image, a source or a target of libvips, given back when it is disposed.</summary>
sealed class VipsObject() : SafeHandleZeroOrMinusOneIsInvalid(ownsHandle: true)
{
    protected override bool ReleaseHandle()
    {
        VipsNative.g_object_unref(handle);
        return true;
    }
}
