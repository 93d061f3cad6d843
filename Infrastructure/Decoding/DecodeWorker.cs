using System.Diagnostics;
using System.IO.Pipes;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Profiles.Infrastructure.Decoding.Worker.Protocol;

namespace Profiles.Infrastructure.Decoding;

/// <summary>The service's end of one worker process. It takes one image at a time, and none after it was lost.</summary>
sealed partial class DecodeWorker : IDisposable
{
    // A start loads a runtime twice, and libvips: enough on a very busy machine.
    static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(30);

    // What a decoder prints before it crashes is for the log; a flood is not.
    const int MaxErrorLength = 2000;

    // With a smaller share of a processor it is the machine that was late, not the image.
    const double LeastShare = 0.5;

    // F_SETPIPE_SZ. An unprivileged user has 64 MiB for all pipes; a pipe that is refused more stays at 64 KiB.
    const int SetPipeSize = 1031, PipeSize = 512 * 1024;

    readonly Process process;
    readonly Task<string> errors;
    bool isLate, hasImage;
    TimeSpan processorTime;

    DecodeWorker(Process process)
    {
        this.process = process;
        // A photo has some megabytes, and a full pipe wakes both processes.
        if (OperatingSystem.IsLinux() && process.StandardInput.BaseStream is PipeStream pipe)
            _ = fcntl(pipe.SafePipeHandle, SetPipeSize, PipeSize);
        errors = ReadErrorsAsync(process.StandardError);
    }

    /// <summary>What it says of itself.</summary>
    public WorkerGreeting Greeting { get; private set; } = null!;

    /// <summary>How many images it was given.</summary>
    public int Images { get; private set; }

    /// <summary>Whether its process has ended, or is about to.</summary>
    public bool HasEnded => isLate || process.HasExited;

    /// <summary>Starts a process and waits until it is ready.</summary>
    /// <exception cref="InvalidOperationException">It cannot work; the message tells whoever starts the service why.</exception>
    /// <exception cref="WorkerLostException">It ended, or did not greet in time.</exception>
    public static async Task<DecodeWorker> StartAsync(long memory, TimeSpan timeout)
    {
        var worker = new DecodeWorker(Process.Start(Command(WorkerArguments.Make(memory, timeout)))!);
        try
        {
            var (answer, body) = await worker.WithinAsync(StartTimeout, ct => worker.AnswerAsync(maxSide: 0, ct));
            worker.Greeting = answer switch
            {
                DecodeAnswer.Ready => DecodeFrame.ReadGreeting(body),
                DecodeAnswer.CannotStart => throw new InvalidOperationException(Encoding.UTF8.GetString(body)),
                _ => throw new InvalidDataException("A worker answered before it was asked."),
            };
            return worker;
        }
        catch
        {
            worker.Dispose();
            throw;
        }
    }

    /// <summary>Has one image processed.</summary>
    /// <exception cref="InvalidImageException">It is damaged, truncated or empty.</exception>
    /// <exception cref="TooManyPixelsException">Its header promises more pixels than are allowed, in one frame or in all.</exception>
    /// <exception cref="ImageTooCostlyException">It needs more memory than the worker may have.</exception>
    /// <exception cref="WorkerLostException">The worker ended or took longer than <paramref name="timeout"/>.</exception>
    public Task<ProcessedImage> ProcessAsync(UploadBuffer image, ImageFormat format, long maxPixels, int maxSide, TimeSpan timeout)
    {
        Images++;
        hasImage = false;
        return WithinAsync(timeout, async ct =>
        {
            var header = new byte[DecodeRequest.Size];
            var request = new DecodeRequest(format, image.Length, maxPixels, maxSide);
            request.Write(header);
            var input = process.StandardInput.BaseStream;
            await input.WriteAsync(header, ct);
            foreach (var segment in image.Segments)
                await input.WriteAsync(segment, ct);
            await input.FlushAsync(ct);
            hasImage = true;
            var (answer, body) = await AnswerAsync(maxSide, ct);
            return answer switch
            {
                DecodeAnswer.Image => DecodeFrame.ReadImage(body, maxSide),
                DecodeAnswer.Invalid => throw new InvalidImageException(new DecoderException(Encoding.UTF8.GetString(body))),
                DecodeAnswer.OutOfMemory => throw new ImageTooCostlyException(new DecoderException(Encoding.UTF8.GetString(body))),
                DecodeAnswer.TooManyPixels => throw new TooManyPixelsException(maxPixels, ofAllFrames: false),
                DecodeAnswer.TooManyPixelsInAllFrames => throw new TooManyPixelsException(request.MaxPixelsOfAllFrames, ofAllFrames: true),
                _ => throw new InvalidDataException("A worker greeted instead of answering."),
            };
        });
    }

    public void Dispose()
    {
        process.Kill();
        process.StandardInput.BaseStream.Dispose();
        process.StandardOutput.BaseStream.Dispose();
        process.StandardError.BaseStream.Dispose();
        process.Dispose();
    }

    async Task<(DecodeAnswer Answer, byte[] Body)> AnswerAsync(int maxSide, CancellationToken ct)
    {
        var output = process.StandardOutput.BaseStream;
        var header = new byte[DecodeFrame.HeaderSize];
        await output.ReadExactlyAsync(header, ct);
        var (answer, length) = DecodeFrame.ReadHeader(header, maxSide);
        var body = new byte[length];
        await output.ReadExactlyAsync(body, ct);
        return (answer, body);
    }

    // Whatever else goes wrong, half an answer may be on its way: only after a refusal can the worker be used again.
    async Task<T> WithinAsync<T>(TimeSpan timeout, Func<CancellationToken, Task<T>> exchange)
    {
        using var deadline = new CancellationTokenSource(timeout);
        using var killed = new CancellationTokenSource();
        var before = ProcessorTime();
        var end = deadline.Token.Register(() =>
        {
            // Before it is killed: then there is no process to ask.
            processorTime = ProcessorTime() - before;
            process.Kill();
            killed.Cancel();
        });
        try
        {
            return await exchange(killed.Token);
        }
        catch (Exception e) when (e is not ImageRefusedException)
        {
            process.Kill();
            await process.WaitForExitAsync(CancellationToken.None);
            if (!deadline.IsCancellationRequested)
                throw new WorkerLostException($"It ended with {process.ExitCode}. {await LastErrorsAsync()}", e) { HadImage = hasImage };
            throw new WorkerLostException(
                FormattableString.Invariant($"It took too long, {processorTime.TotalSeconds:0.0} s of processor time."), e)
            {
                HadImage = true,
                IsStarved = processorTime < timeout * LeastShare,
            };
        }
        finally
        {
            // The deadline may come just after the answer: the process is being killed then.
            await end.DisposeAsync();
            isLate |= deadline.IsCancellationRequested;
        }
    }

    // Zero when the process has just ended.
    TimeSpan ProcessorTime()
    {
        try
        {
            return process.TotalProcessorTime;
        }
        catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            return TimeSpan.Zero;
        }
    }

    // Another process may hold the pipe open.
    async Task<string> LastErrorsAsync() => await Task.WhenAny(errors, Task.Delay(TimeSpan.FromSeconds(1))) == errors ? await errors : "";

    static async Task<string> ReadErrorsAsync(StreamReader reader)
    {
        var text = new StringBuilder();
        var buffer = new char[512];
        int read;
        try
        {
            while ((read = await reader.ReadAsync(buffer)) > 0)
                text.Append(buffer, 0, Math.Min(read, Math.Max(0, MaxErrorLength - text.Length)));
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or OperationCanceledException)
        {
            // The worker was disposed: nobody asks for its last errors any more.
        }
        return text.ToString().Trim();
    }

    [LibraryImport("libc")]
    private static partial int fcntl(SafePipeHandle pipe, int command, int value);

    // The worker's program lies beside the service's, and is started in the same way: by the runtime's host, or by its own executable.
    static ProcessStartInfo Command(string[] arguments)
    {
        var (host, worker) = (Environment.ProcessPath!, Path.Combine(AppContext.BaseDirectory, "Profiles.Worker"));
        string[] command = Path.GetFileNameWithoutExtension(host) == "dotnet" ? [host, $"{worker}.dll"] : [worker];
        var start = new ProcessStartInfo(command[0], [.. command[1..], .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = "/",
        };
        // The service's environment has its secrets: a worker is told only where programs and libraries are.
        string[] others = OperatingSystem.IsLinux() ? ["LD_LIBRARY_PATH"] : ["SystemRoot", "TEMP", "TMPDIR"];
        string[] places = ["PATH", "DOTNET_ROOT", .. others];
        var names = OperatingSystem.IsWindows() ? StringComparer.OrdinalIgnoreCase : StringComparer.Ordinal;
        var kept = start.Environment.Where(v => places.Contains(v.Key, names)).ToArray();
        start.Environment.Clear();
        foreach (var (name, value) in kept)
            start.Environment[name] = value;
        start.Environment["LANG"] = "C.UTF-8";
        // Decoding on several threads fragments the heap to three times its size otherwise.
        start.Environment["MALLOC_ARENA_MAX"] = "2";
        // The runtime's diagnostics need files.
        start.Environment["DOTNET_EnableDiagnostics"] = "0";
        return start;
    }
}

/// <summary>A worker ended or did not answer; the message is for the log.</summary>
sealed class WorkerLostException(string message, Exception inner) : Exception(message, inner)
{
    /// <summary>Whether it had the whole image, and may have begun to decode it: then the image may be why.</summary>
    public bool HadImage { get; init; }

    /// <summary>Whether it had a processor for less than half of its time: then the machine is why.</summary>
    public bool IsStarved { get; init; }
}
