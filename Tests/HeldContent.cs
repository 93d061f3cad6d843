using System.Net;
using System.Text;

namespace Profiles.Tests;

/// <summary>A body whose first part arrives at once and the rest on demand, as over a stalled connection.</summary>
sealed class HeldContent : HttpContent
{
    readonly byte[] first, rest;
    readonly TaskCompletionSource released = new(TaskCreationOptions.RunContinuationsAsynchronously);

    HeldContent(byte[] first, byte[] rest, string type)
    {
        (this.first, this.rest) = (first, rest);
        Headers.TryAddWithoutValidation("Content-Type", type);
    }

    /// <summary>A form with an image whose first bytes arrive at once.</summary>
    public static HeldContent Image(byte[] image, int first)
    {
        byte[] start = [.. "--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"x.jpg\"\r\n"u8,
            .. "Content-Type: image/jpeg\r\n\r\n"u8, .. image[..first]];
        return new(start, [.. image[first..], .. "\r\n--b--\r\n"u8], "multipart/form-data; boundary=b");
    }

    /// <summary>A text whose first half arrives at once.</summary>
    public static HeldContent Text(string text, string type)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        return new(bytes[..(bytes.Length / 2)], bytes[(bytes.Length / 2)..], type);
    }

    /// <summary>Sends the rest.</summary>
    public void Release() => released.TrySetResult();

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
    {
        await stream.WriteAsync(first);
        await stream.FlushAsync();
        await released.Task;
        await stream.WriteAsync(rest);
    }

    protected override bool TryComputeLength(out long length)
    {
        length = first.Length + rest.Length;
        return true;
    }
}
