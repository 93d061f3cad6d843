using System.Diagnostics;
using System.IO.Pipes;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Profiles.Infrastructure.Decoding.Worker.Protocol;

namespace Profiles.Infrastructure.Decoding;

/// <summary>The service's end of one worker process. It takes one image at a time, and none after a failure.</summary>
sealed partial class DecodeWorker : IDisposable
{
    // A start loads the runtime twice, and libvips; this is enough on a very busy machine.
    static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(30);

    // Characters of a crashing decoder's output that reach the log.
    const int MaxErrorLength = 2000;

    // With a smaller share of a processor, the machine was slow and not the image.
    const double MinProcessorShare = 0.5;

    // F_SETPIPE_SZ. An unprivileged user has 64 MiB for all pipes; a refused pipe stays at 64 KiB.
    const int SetPipeSize = 1031, PipeSize = 512 * 1024;

    readonly Process process;
    readonly Task<string> errors;
    bool isLate, hasImage;
    TimeSpan processorTime;

    DecodeWorker(Process process)
    {
        this.process = process;
        // A photo has some megabytes, and each time a small pipe is full, both processes wake up.
        if (OperatingSystem.IsLinux() && process.StandardInput.BaseStream is PipeStream pipe)
            _ = fcntl(pipe.SafePipeHandle, SetPipeSize, PipeSize);
        errors = ReadErrorsAsync(process.StandardError);
    }

    /// <summary>The worker's greeting.</summary>
    public WorkerGreeting Greeting { get; private set; } = null!;

    /// <summary>The number of images that it has received.</summary>
    public int Images { get; private set; }

    /// <summary>Whether its process has ended or is being killed.</summary>
    public bool HasEnded => isLate || process.HasExited;

    /// <summary>Starts a process and waits until it is ready.</summary>
    /// <exception cref="InvalidOperationException">The worker cannot run here; the message tells the operator why.</exception>
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
                _ => throw new InvalidDataException("A worker sent an answer in place of its greeting."),
            };
            return worker;
        }
        catch
        {
            worker.Dispose();
            throw;
        }
    }

    /// <summary>Sends one image to the worker and returns the result.</summary>
    /// <exception cref="InvalidImageException">The image is damaged, truncated or empty.</exception>
    /// <exception cref="TooManyPixelsException">Its header declares more pixels than are allowed, in one frame or in all.</exception>
    /// <exception cref="ImageTooCostlyException">It needs more memory than the worker may use.</exception>
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
                _ => throw new InvalidDataException("A worker sent a greeting in place of an answer."),
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

    // Kills the worker after any failure but a refusal: a partial answer may be left in the pipe.
    async Task<T> WithinAsync<T>(TimeSpan timeout, Func<CancellationToken, Task<T>> exchange)
    {
        using var deadline = new CancellationTokenSource(timeout);
        using var killed = new CancellationTokenSource();
        var before = ProcessorTime();
        var end = deadline.Token.Register(() =>
        {
            // Read before the kill: a dead process has no times.
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
            {
                throw new WorkerLostException($"It ended with exit code {process.ExitCode}. {await LastErrorsAsync()}", e)
                {
                    HadImage = hasImage,
                };
            }
            throw new WorkerLostException(
                FormattableString.Invariant($"It timed out after {processorTime.TotalSeconds:0.0} s of processor time."), e)
            {
                HadImage = true,
                IsStarved = processorTime < timeout * MinProcessorShare,
            };
        }
        finally
        {
            // The deadline may pass just after the answer: the process is then being killed.
            await end.DisposeAsync();
            isLate |= deadline.IsCancellationRequested;
        }
    }

    // Returns zero when the process has just ended.
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

    // Waits at most a second, because another process may hold the pipe open.
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
            // The worker was disposed: nothing reads its errors any more.
        }
        return text.ToString().Trim();
    }

    [LibraryImport("libc")]
    private static partial int fcntl(SafePipeHandle pipe, int command, int value);

    // The worker's program is in the service's folder and starts the same way: by the dotnet host or by its own executable.
    static ProcessStartInfo Command(string[] arguments)
    {
        var (host, worker) = (Environment.ProcessPath!, Path.Combine(AppContext.BaseDirectory, "Profiles.Worker"));
        string[] command = Path.GetFileNameWithoutExtension(host) == "dotnet" ? [host, $"{worker}.dll"]
            : OperatingSystem.IsWindows() ? [$"{worker}.exe"] : [worker];
        var start = new ProcessStartInfo(command[0], [.. command[1..], .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = "/",
        };
        // The service's environment contains secrets: a worker gets only the paths of programs and libraries.
        string[] ofSystem = OperatingSystem.IsLinux() ? ["LD_LIBRARY_PATH"] : ["SystemRoot", "TEMP", "TMPDIR"];
        string[] paths = ["PATH", "DOTNET_ROOT", .. ofSystem];
        var comparer = OperatingSystem.IsWindows() ? StringComparer.OrdinalIgnoreCase : StringComparer.Ordinal;
        var kept = start.Environment.Where(v => paths.Contains(v.Key, comparer)).ToArray();
        start.Environment.Clear();
        foreach (var (name, value) in kept)
            start.Environment[name] = value;
        start.Environment["LANG"] = "C.UTF-8";
        // Otherwise, decoding on several threads fragments the heap to three times its size.
        start.Environment["MALLOC_ARENA_MAX"] = "2";
        // The runtime's diagnostics would create files.
        start.Environment["DOTNET_EnableDiagnostics"] = "0";
        return start;
    }
}

/// <summary>A worker ended or did not answer; the message is for the log.</summary>
sealed class WorkerLostException(string message, Exception inner) : Exception(message, inner)
{
    /// <summary>Whether the worker had the whole image, which may then be the cause.</summary>
    public bool HadImage { get; init; }

    /// <summary>Whether it had a processor for less than half of its time: the machine is then the cause.</summary>
    public bool IsStarved { get; init; }
}
