using System.Collections.Concurrent;
using System.ComponentModel;
using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Decoding.Worker.Protocol;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Settings;
using Profiles.Infrastructure.Telemetry;

namespace Profiles.Infrastructure.Decoding;

/// <summary>
/// Decodes untrusted images in a few worker processes that have no secret, no file and little memory. A worker is replaced when it ends,
/// hangs or has decoded Images:WorkerPictures images (docs/adr/0006-decoding-outside.md).
/// </summary>
sealed class DecodePool : IDisposable
{
    const int QueueLimit = 32;

    readonly DecodingOptions options;
    readonly UploadMemory memory;
    readonly ServiceMetrics metrics;
    readonly ILogger<DecodePool> log;
    readonly ConcurrencyLimiter limiter;

    // A stack: the worker that was used last is the warmest.
    readonly ConcurrentStack<DecodeWorker> idle = [];

    volatile bool disposed;

    public DecodePool(IOptions<DecodingOptions> settings, UploadMemory memory, ServiceMetrics metrics, ILogger<DecodePool> log)
    {
        options = settings.Value;
        this.memory = memory;
        this.metrics = metrics;
        this.log = log;
        limiter = new(new()
        {
            PermitLimit = options.Workers,
            QueueLimit = QueueLimit,
            QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
        });
        metrics.ObserveImages(() => limiter.GetStatistics()?.CurrentQueuedCount ?? 0);
    }

    /// <summary>How many images it decodes at once.</summary>
    public int Workers => options.Workers;

    /// <summary>Creates a buffer for an arriving image, which counts towards Images:UploadMemory.</summary>
    public UploadBuffer Receive() => new(memory);

    /// <summary>Starts the first worker.</summary>
    /// <exception cref="StartException">No image can be decoded on this machine; the message says why.</exception>
    public async Task<WorkerGreeting> StartAsync()
    {
        try
        {
            var worker = await DecodeWorker.StartAsync(options.WorkerMemory, options.DecodeTimeout);
            Return(worker);
            return worker.Greeting;
        }
        catch (WorkerLostException e)
        {
            // A worker that crashes writes many lines.
            log.LogDebug(e, "No worker starts: {Reason}", e.Message);
            throw new StartException("The process that decodes images does not start; Images__WorkerMemory may be too low. "
                + e.Message.Split('\n')[0]);
        }
        catch (Exception e) when (e is InvalidOperationException or Win32Exception)
        {
            throw new StartException(e.Message);
        }
    }

    /// <summary>
    /// Processes one image. Each worker decodes one image at a time; 32 more may wait, for at most Images:DecodeTimeout.
    /// <paramref name="ct"/> cancels the waiting, never the decoding.
    /// </summary>
    /// <exception cref="InvalidImageException">Its format is not on the list, or it is damaged, truncated or empty.</exception>
    /// <exception cref="TooManyPixelsException">It has more than Images:MaxPixels, or ten times as many in all frames.</exception>
    /// <exception cref="ImageTooCostlyException">It exceeds Images:DecodeTimeout or Images:WorkerMemory, or ends its worker.</exception>
    /// <exception cref="BusyException">Too many images wait, no worker starts, or its worker had too little processor time.</exception>
    public async Task<ProcessedImage> ProcessAsync(UploadBuffer image, CancellationToken ct)
    {
        var format = ImageFormats.Sniff(image.Head);
        using var lease = format is null ? null : await metrics.ImageWait.TimeAsync(() => WaitAsync(ct));
        using var span = ServiceMetrics.Spans.StartActivity("decode image");
        return await metrics.ImageDecode.TimeAsync(
            () => DecodeAsync(image, format ?? throw InvalidImageException.OfAnotherFormat()),
            new([new("format", format?.ToString().ToLowerInvariant() ?? "other")]),
            // The codes of errors.
            e => (e as ImageRefusedException)?.Error.Code);
    }

    async Task<ProcessedImage> DecodeAsync(UploadBuffer image, ImageFormat format)
    {
        for (var retries = 0; ; retries++)
        {
            try
            {
                return await ProcessAsync(image, format);
            }
            catch (WorkerLostException e) when (!e.HadImage)
            {
                // Usually it ended while it was idle, which is not the image's fault. All idle workers may have ended.
                log.LogWarning(e, "A worker ended before it received its image; another worker decodes it: {Reason}", e.Message);
                if (retries > options.Workers)
                    throw new BusyException("No image can be decoded now.");
            }
        }
    }

    async Task<ProcessedImage> ProcessAsync(UploadBuffer image, ImageFormat format)
    {
        var worker = await RentAsync();
        try
        {
            return await worker.ProcessAsync(image, format, options.MaxPixels, options.MaxSide, options.DecodeTimeout);
        }
        catch (WorkerLostException e) when (e.IsStarved)
        {
            log.LogWarning(e, "An image of {Bytes} bytes is answered 503: its worker had too little processor time.", image.Length);
            throw new BusyException("No image can be decoded now.");
        }
        catch (WorkerLostException e) when (e.HadImage)
        {
            log.LogWarning(e, "An image of {Bytes} bytes ended its worker and is refused: {Reason}", image.Length, e.Message);
            throw new ImageTooCostlyException(e);
        }
        finally
        {
            Return(worker);
        }
    }

    public void Dispose()
    {
        disposed = true;
        limiter.Dispose();
        while (idle.TryPop(out var worker))
            worker.Dispose();
    }

    async Task<RateLimitLease> WaitAsync(CancellationToken ct)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(ct);
        timeout.CancelAfter(options.DecodeTimeout);
        try
        {
            var lease = await limiter.AcquireAsync(permitCount: 1, timeout.Token);
            return lease.IsAcquired ? lease : throw new BusyException();
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new BusyException();
        }
    }

    async Task<DecodeWorker> RentAsync()
    {
        while (idle.TryPop(out var worker))
        {
            if (!worker.HasEnded)
                return worker;
            worker.Dispose();
        }
        try
        {
            return await DecodeWorker.StartAsync(options.WorkerMemory, options.DecodeTimeout);
        }
        catch (Exception e) when (e is WorkerLostException or InvalidOperationException or Win32Exception)
        {
            // A worker started with the service, so the machine has no room for one now.
            log.LogError(e, "No worker can be started; the image is answered 503.");
            throw new BusyException("No image can be decoded now.");
        }
    }

    void Return(DecodeWorker worker)
    {
        if (!worker.HasEnded && worker.Images < options.WorkerPictures && idle.Count < options.Workers && !disposed)
        {
            idle.Push(worker);
            return;
        }
        worker.Dispose();
        if (!disposed && idle.IsEmpty)
            _ = ReplaceAsync();
    }

    // Starts a worker ahead of the next image, which then does not wait for it.
    async Task ReplaceAsync()
    {
        try
        {
            Return(await DecodeWorker.StartAsync(options.WorkerMemory, options.DecodeTimeout));
        }
        catch (Exception e) when (e is WorkerLostException or InvalidOperationException or Win32Exception)
        {
            log.LogWarning(e, "A worker could not be replaced; the next image retries.");
        }
    }
}
