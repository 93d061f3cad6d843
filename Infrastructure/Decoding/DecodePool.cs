using System.Collections.Concurrent;
using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Images;

namespace Profiles.Infrastructure.Decoding;

/// <summary>
/// Decodes strangers' pictures outside the service: in a few worker processes that have no secret, no file and little memory, each replaced when it dies, hangs
/// or has done its share (docs/adr/0006-decoding-outside.md).
/// </summary>
sealed class DecodePool : IDisposable
{
    const int QueueLimit = 32;

    readonly ImagesOptions options;
    readonly UploadMemory memory;
    readonly ILogger<DecodePool> log;
    readonly ConcurrencyLimiter turns;

    // The one that worked last is the warmest.
    readonly ConcurrentStack<DecodeWorker> idle = [];

    volatile bool disposed;

    public DecodePool(IOptions<ImagesOptions> settings, UploadMemory memory, ILogger<DecodePool> log)
    {
        options = settings.Value;
        this.memory = memory;
        this.log = log;
        turns = new(new() { PermitLimit = options.Workers, QueueLimit = QueueLimit, QueueProcessingOrder = QueueProcessingOrder.OldestFirst });
    }

    /// <summary>A place for an image while it arrives; what it takes is counted.</summary>
    public UploadBuffer Receive() => new(memory);

    /// <summary>Starts the first worker and says what it is.</summary>
    /// <exception cref="InvalidOperationException">Pictures cannot be decoded here; the message says why, in a sentence for whoever starts the service.</exception>
    public async Task<WorkerGreeting> StartAsync()
    {
        try
        {
            var worker = await DecodeWorker.StartAsync(options.WorkerMemory, options.DecodeTimeout);
            Rest(worker);
            return worker.Greeting;
        }
        catch (WorkerLostException e)
        {
            throw new InvalidOperationException($"The process that decodes pictures does not start; Images__WorkerMemory may be too little. {e.Message}", e);
        }
    }

    /// <summary>
    /// Processes one picture. As many are decoded at once as there are workers; 32 more may wait, as long as one picture may take, which <paramref name="ct"/> ends.
    /// </summary>
    /// <exception cref="InvalidImageException">Not a format on the list, damaged, truncated or empty.</exception>
    /// <exception cref="TooManyPixelsException">The header promises more pixels than Images:MaxPixels, or than ten times as many in all frames.</exception>
    /// <exception cref="ImageTooCostlyException">It took more time or memory than Images:DecodeTimeout and Images:WorkerMemory allow, or ended its decoder.</exception>
    /// <exception cref="BusyException">Too many pictures are waiting, no worker can be started, or it got too little of a processor in Images:DecodeTimeout.</exception>
    public async Task<ProcessedImage> ProcessAsync(UploadBuffer picture, CancellationToken ct)
    {
        var format = ImageFormats.Sniff(picture.Head) ?? throw InvalidImageException.OfAnotherFormat();
        using var turn = await WaitAsync(ct);
        for (var lost = 0; ; lost++)
        {
            try
            {
                return await ProcessAsync(picture, format);
            }
            catch (WorkerLostException e) when (!e.Taken)
            {
                // It had ended while nobody needed it, and the system had not told yet: not the picture's fault. All of them may have, but no fresh one.
                log.LogWarning(e, "A worker had ended: {Reason}", e.Message);
                if (lost > options.Workers)
                    throw new BusyException("No picture can be decoded now.");
            }
        }
    }

    async Task<ProcessedImage> ProcessAsync(UploadBuffer picture, ImageFormat format)
    {
        var worker = await TakeAsync();
        try
        {
            return await worker.ProcessAsync(picture, format, options.MaxPixels, options.MaxSide, options.DecodeTimeout);
        }
        catch (WorkerLostException e) when (e.IsStarved)
        {
            log.LogWarning(e, "An image of {Bytes} bytes was not decoded in time, and its worker had too little of a processor: its sender is told to come back.", picture.Length);
            throw new BusyException("No picture can be decoded now.");
        }
        catch (WorkerLostException e) when (e.Taken)
        {
            log.LogWarning(e, "A picture of {Bytes} bytes ended its worker: {Reason}", picture.Length, e.Message);
            throw new ImageTooCostlyException(e);
        }
        finally
        {
            Rest(worker);
        }
    }

    public void Dispose()
    {
        disposed = true;
        turns.Dispose();
        while (idle.TryPop(out var worker))
            worker.Dispose();
    }

    async Task<RateLimitLease> WaitAsync(CancellationToken ct)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        patience.CancelAfter(options.DecodeTimeout);
        try
        {
            var turn = await turns.AcquireAsync(permitCount: 1, patience.Token);
            return turn.IsAcquired ? turn : throw new BusyException();
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new BusyException();
        }
    }

    async Task<DecodeWorker> TakeAsync()
    {
        while (idle.TryPop(out var worker))
        {
            if (!worker.IsGone)
                return worker;
            worker.Dispose();
        }
        try
        {
            return await DecodeWorker.StartAsync(options.WorkerMemory, options.DecodeTimeout);
        }
        catch (Exception e) when (e is WorkerLostException or InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            // It started with the service: now the machine has no room for it.
            log.LogError(e, "No process that decodes pictures can be started.");
            throw new BusyException("No picture can be decoded now.");
        }
    }

    void Rest(DecodeWorker worker)
    {
        if (!worker.IsGone && worker.Pictures < options.WorkerPictures && idle.Count < options.Workers && !disposed)
        {
            idle.Push(worker);
            return;
        }
        worker.Dispose();
        if (!disposed && idle.IsEmpty)
            _ = ReplaceAsync();
    }

    // So that the next picture need not wait for a start.
    async Task ReplaceAsync()
    {
        try
        {
            Rest(await DecodeWorker.StartAsync(options.WorkerMemory, options.DecodeTimeout));
        }
        catch (Exception e) when (e is WorkerLostException or InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            log.LogWarning(e, "A process that decodes pictures could not be replaced; the next picture tries again.");
        }
    }
}
