using System.ComponentModel.DataAnnotations;

namespace Profiles.Infrastructure.Decoding;

/// <summary>Settings of the decoding of uploads, in the section of the images.</summary>
public sealed class DecodingOptions
{
    /// <summary>
    /// The most pixels of one frame, 1 to 500000000; all frames together may have ten times as many. An image's header decides, before
    /// it is decoded.
    /// </summary>
    [Range(typeof(long), "1", "500000000")]
    public long MaxPixels { get; set; } = 100_000_000;

    /// <summary>The longest side of a stored image in pixels, 16 to 8192.</summary>
    [Range(16, 8192)]
    public int MaxSide { get; set; } = 1024;

    /// <summary>The number of processes that decode images, 1 to 256.</summary>
    /// <value>The number of processors</value>
    [Range(1, 256)]
    public int Workers { get; set; } = Environment.ProcessorCount;

    /// <summary>The writable memory of one worker in bytes, 268435456 to 68719476736. An image that needs more is refused.</summary>
    [Range(typeof(long), "268435456", "68719476736")]
    public long WorkerMemory { get; set; } = 1024 * 1024 * 1024;

    /// <summary>The number of images after which a worker is replaced by a fresh process, 1 to 1000000.</summary>
    [Range(1, 1_000_000)]
    public int WorkerPictures { get; set; } = 250;

    /// <summary>How long the decoding of one image may take before it is refused, 00:00:01 to 00:05:00.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:05:00")]
    public TimeSpan DecodeTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// The memory in bytes that all arriving and waiting uploads share; further uploads are answered 503. At least 1 MiB more than
    /// <c>Images__MaxBytes</c>.
    /// </summary>
    public long UploadMemory { get; set; } = 256 * 1024 * 1024;
}
