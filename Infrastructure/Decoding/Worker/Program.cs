using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Profiles.Infrastructure.Decoding;

/// <summary>
/// The program in its other role, <c>Profiles decode</c>: takes pictures from its standard input one after the other and answers them on its standard output,
/// behind a <see cref="Fence"/>. <see cref="DecodePool"/> starts it; it knows no setting, no database and no secret.
/// </summary>
static class DecodeCommand
{
    public const string Name = "decode";

    /// <summary>Said by a worker that has put its fence up to the one that it becomes.</summary>
    const string Fenced = "fenced";

    /// <summary>The arguments of a worker: what its writable memory may be in bytes, and how long one picture may take.</summary>
    public static string[] Arguments(long memory, TimeSpan timeout) =>
        [Name, memory.ToString(CultureInfo.InvariantCulture), ((int)Math.Ceiling(timeout.TotalSeconds)).ToString(CultureInfo.InvariantCulture)];

    /// <summary>Whether these are a worker's arguments, which only a service gives.</summary>
    public static bool Is(string[] arguments) => arguments is [Name, _, _] or [Name, _, _, Fenced];

    /// <summary>Works until the standard input ends; the exit code.</summary>
    public static int Run(string[] arguments)
    {
        using var answers = OperatingSystem.IsWindows() ? Console.OpenStandardOutput() : Open(1, FileAccess.Write);
        try
        {
            if (OperatingSystem.IsLinux())
            {
                if (arguments is not [.., Fenced])
                    Fence.Enter(long.Parse(arguments[1], CultureInfo.InvariantCulture), [.. arguments, Fenced]);
                Seccomp.Deny();
            }
            Vips.Start();
            answers.Write(DecodeFrame.Write(new WorkerGreeting(Vips.Version, OperatingSystem.IsLinux() && Fence.ClosesFiles)));
        }
        catch (InvalidOperationException e)
        {
            answers.Write(DecodeFrame.Make(DecodeAnswer.Unfit, e.Message));
            return 1;
        }

        // A signal to the whole group is for the service, which ends its pictures and then its workers.
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, s => s.Cancel = true);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, s => s.Cancel = true);
        // Longer than the service waits, for when it is gone.
        var seconds = (2 * int.Parse(arguments[2], CultureInfo.InvariantCulture)) + 1;
        using var pictures = OperatingSystem.IsWindows() ? Console.OpenStandardInput() : Open(0, FileAccess.Read);
        var header = new byte[DecodeRequest.Size];
        while (pictures.ReadAtLeast(header, header.Length, throwOnEndOfStream: false) == header.Length)
        {
            if (OperatingSystem.IsLinux())
                Fence.EndAfter(seconds);
            answers.Write(Answer(DecodeRequest.Read(header), pictures));
            if (OperatingSystem.IsLinux())
                Fence.Rest();
        }
        return 0;
    }

    // Not by way of the console, which would look for a terminal.
    static FileStream Open(int descriptor, FileAccess access) => new(new SafeFileHandle(descriptor, ownsHandle: false), access, bufferSize: 0);

    static unsafe byte[] Answer(DecodeRequest request, Stream pictures)
    {
        // Not the runtime's memory: what it has got it keeps.
        var memory = NativeMemory.Alloc((nuint)request.Length + ImageStructure.Room);
        try
        {
            var picture = new Span<byte>(memory, request.Length + ImageStructure.Room);
            pictures.ReadExactly(picture[..request.Length]);
            return DecodeFrame.Write(ImagePipeline.Process(picture, request.Format, request.MaxPixels, request.MaxSide));
        }
        catch (InvalidImageException e)
        {
            var said = e.InnerException?.Message ?? e.Message;
            // The decoders have no code for it, but all of them one of these words.
            var costs = said.Contains("memory", StringComparison.OrdinalIgnoreCase) || said.Contains("ResourcesExhausted", StringComparison.Ordinal);
            return DecodeFrame.Make(costs ? DecodeAnswer.OutOfMemory : DecodeAnswer.Invalid, said);
        }
        catch (TooManyPixelsException e)
        {
            return DecodeFrame.Make(e.OfAllFrames ? DecodeAnswer.TooManyPixelsInAllFrames : DecodeAnswer.TooManyPixels, []);
        }
        finally
        {
            NativeMemory.Free(memory);
        }
    }
}
