using System.Diagnostics;
using System.IO.Pipes;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Profiles.Infrastructure.Decoding;

/// <summary>The service's end of one worker process. One picture at a time; after any exception it is of no more use.</summary>
sealed partial class DecodeWorker : IDisposable
{
    // Starting is loading a runtime and libvips, twice: enough for a machine that is very busy.
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    // What a decoder prints on its way out is for the log; a flood is not.
    const int MostWords = 2000;

    // A worker that had less than this of its time on a processor did not get to the image: a machine has other things to do.
    const double LeastShare = 0.5;

    // F_SETPIPE_SZ. A user without privileges has 64 MiB for all pipes; what is refused stays at 64 KiB.
    const int SetPipeSize = 1031, PipeSize = 512 * 1024;

    readonly Process process;
    readonly Task<string> words;
    bool late, taken;
    TimeSpan worked;

    DecodeWorker(Process process)
    {
        this.process = process;
        // A photo is some megabytes, and each time that the pipe is full both processes are woken.
        if (OperatingSystem.IsLinux() && process.StandardInput.BaseStream is PipeStream pipe)
            _ = fcntl(pipe.SafePipeHandle, SetPipeSize, PipeSize);
        words = ReadWordsAsync(process.StandardError);
    }

    /// <summary>What it said of itself.</summary>
    public WorkerGreeting Greeting { get; private set; } = null!;

    /// <summary>How many pictures it was given.</summary>
    public int Pictures { get; private set; }

    /// <summary>Whether its process has ended, or is about to.</summary>
    public bool IsGone => late || process.HasExited;

    /// <summary>Starts a process and waits until it is ready.</summary>
    /// <exception cref="InvalidOperationException">It cannot work; the message says why, in a sentence for whoever starts the service.</exception>
    /// <exception cref="WorkerLostException">It ended, or said nothing sensible in time.</exception>
    public static async Task<DecodeWorker> StartAsync(long memory, TimeSpan timeout)
    {
        var worker = new DecodeWorker(Process.Start(Command(DecodeCommand.Arguments(memory, timeout)))!);
        try
        {
            var (answer, body) = await worker.WithinAsync(Patience, ct => worker.AnswerAsync(maxSide: 0, ct));
            worker.Greeting = answer switch
            {
                DecodeAnswer.Ready => DecodeFrame.ReadGreeting(body),
                DecodeAnswer.Unfit => throw new InvalidOperationException(Encoding.UTF8.GetString(body)),
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

    /// <summary>Has one picture processed.</summary>
    /// <exception cref="InvalidImageException">Damaged, truncated or empty.</exception>
    /// <exception cref="TooManyPixelsException">The header promises more pixels than <paramref name="maxPixels"/>, or than ten times as many in all frames.</exception>
    /// <exception cref="WorkerLostException">The worker ended or took longer than <paramref name="timeout"/>.</exception>
    public Task<ProcessedImage> ProcessAsync(UploadBuffer picture, ImageFormat format, long maxPixels, int maxSide, TimeSpan timeout)
    {
        Pictures++;
        taken = false;
        return WithinAsync(timeout, async ct =>
        {
            var header = new byte[DecodeRequest.Size];
            new DecodeRequest(format, picture.Length, maxPixels, maxSide).Write(header);
            var input = process.StandardInput.BaseStream;
            await input.WriteAsync(header, ct);
            foreach (var segment in picture.Segments)
                await input.WriteAsync(segment, ct);
            await input.FlushAsync(ct);
            taken = true;
            var (answer, body) = await AnswerAsync(maxSide, ct);
            return answer switch
            {
                DecodeAnswer.Picture => DecodeFrame.ReadImage(body, maxSide),
                DecodeAnswer.Invalid => throw new InvalidImageException(new DecoderException(Encoding.UTF8.GetString(body))),
                DecodeAnswer.OutOfMemory => throw new ImageTooCostlyException(new DecoderException(Encoding.UTF8.GetString(body))),
                DecodeAnswer.TooManyPixels => throw new TooManyPixelsException(maxPixels, ofAllFrames: false),
                DecodeAnswer.TooManyPixelsInAllFrames => throw new TooManyPixelsException(maxPixels * ImagePipeline.AllFrames, ofAllFrames: true),
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

    // Whatever goes wrong, half an answer may be on its way: only a picture that was refused leaves a worker that can be used.
    async Task<T> WithinAsync<T>(TimeSpan timeout, Func<CancellationToken, Task<T>> exchange)
    {
        using var patience = new CancellationTokenSource(timeout);
        using var cut = new CancellationTokenSource();
        var before = ProcessorTime();
        var end = patience.Token.Register(() =>
        {
            // While there is a process to ask: whoever waits for it ends it as soon as it is told.
            worked = ProcessorTime() - before;
            process.Kill();
            cut.Cancel();
        });
        try
        {
            return await exchange(cut.Token);
        }
        catch (Exception e) when (e is not ImageRefusedException)
        {
            process.Kill();
            await process.WaitForExitAsync(CancellationToken.None);
            throw patience.IsCancellationRequested
                ? new WorkerLostException(FormattableString.Invariant($"It took too long, {worked.TotalSeconds:0.0} s of processor time."), taken: true, e) { IsStarved = worked < timeout * LeastShare }
                : new WorkerLostException(FormattableString.Invariant($"It ended with {process.ExitCode}. {await LastWordsAsync()}"), taken, e);
        }
        finally
        {
            // An answer and the deadline may have met: it is being killed then.
            await end.DisposeAsync();
            late |= patience.IsCancellationRequested;
        }
    }

    // Of a process that has just ended there is nothing to read.
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

    // Somebody else may hold the other end.
    async Task<string> LastWordsAsync() => await Task.WhenAny(words, Task.Delay(TimeSpan.FromSeconds(1))) == words ? await words : "";

    static async Task<string> ReadWordsAsync(StreamReader errors)
    {
        var said = new StringBuilder();
        var buffer = new char[512];
        int read;
        try
        {
            while ((read = await errors.ReadAsync(buffer)) > 0)
                said.Append(buffer, 0, Math.Min(read, Math.Max(0, MostWords - said.Length)));
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or OperationCanceledException)
        {
            // The worker was disposed of: nobody asks for its last words any more.
        }
        return said.ToString().Trim();
    }

    /// <summary>Whether a program is the runtime's own host, which takes an assembly.</summary>
    public static bool IsHost(string program) => Path.GetFileNameWithoutExtension(program) == "dotnet";

    [LibraryImport("libc")]
    private static partial int fcntl(SafePipeHandle pipe, int command, int value);

    // This program again: by the runtime's host, or by itself when it is an executable.
    static ProcessStartInfo Command(string[] arguments)
    {
        var (program, assembly) = (Environment.ProcessPath!, typeof(DecodeWorker).Assembly.Location);
        string[] command = assembly.Length == 0 || program == Path.ChangeExtension(assembly, OperatingSystem.IsWindows() ? ".exe" : null) ? [program]
            // Within another program, such as the tests, the host is the one on the path.
            : [IsHost(program) ? program : "dotnet", assembly];
        var start = new ProcessStartInfo(command[0], [.. command[1..], .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = "/",
        };
        // Nothing of the service's environment, which has its secrets, but where things are.
        string[] places = OperatingSystem.IsLinux() ? ["PATH", "LD_LIBRARY_PATH", "DOTNET_ROOT"] : ["PATH", "DOTNET_ROOT", "SystemRoot", "TEMP", "TMPDIR"];
        var kept = start.Environment.Where(v => places.Contains(v.Key, OperatingSystem.IsWindows() ? StringComparer.OrdinalIgnoreCase : StringComparer.Ordinal)).ToArray();
        start.Environment.Clear();
        foreach (var (name, value) in kept)
            start.Environment[name] = value;
        start.Environment["LANG"] = "C.UTF-8";
        // Decoding on several threads would otherwise fragment the heap to three times its size.
        start.Environment["MALLOC_ARENA_MAX"] = "2";
        // Pixels are libvips' memory; the runtime needs little, and its diagnostics need files.
        start.Environment["DOTNET_gcServer"] = "0";
        start.Environment["DOTNET_GCHeapHardLimit"] = "0x10000000";
        start.Environment["DOTNET_EnableDiagnostics"] = "0";
        return start;
    }
}

/// <summary>A worker ended or did not answer; the message is for the log.</summary>
/// <param name="message">For the log.</param>
/// <param name="taken">Whether it had taken the whole picture, and may have begun to decode it: then the picture may be why.</param>
/// <param name="inner">What it was noticed by.</param>
sealed class WorkerLostException(string message, bool taken, Exception inner) : Exception(message, inner)
{
    /// <summary>Whether it had taken the whole picture.</summary>
    public bool Taken { get; } = taken;

    /// <summary>Whether its time was over before it had had a processor for half of it: then the machine is why.</summary>
    public bool IsStarved { get; init; }
}
