using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Profiles.Infrastructure.Decoding.Worker.Protocol;

namespace Profiles.Infrastructure.Decoding.Worker;

/// <summary>
/// Decodes images from standard input one after the other and answers on standard output, inside a <see cref="Sandbox"/>. The service
/// starts it with <see cref="WorkerArguments"/>; it has no settings, no database and no secrets.
/// </summary>
static class Program
{
    static int Main(string[] arguments)
    {
        if (arguments is not ([_, _] or [_, _, WorkerArguments.Sandboxed]))
        {
            Console.Error.WriteLine("The service starts this program to decode images.");
            return 2;
        }
        using var answers = OperatingSystem.IsWindows() ? Console.OpenStandardOutput() : Open(1, FileAccess.Write);
        try
        {
            if (OperatingSystem.IsLinux())
            {
                if (arguments is not [.., WorkerArguments.Sandboxed])
                    Sandbox.Enter(long.Parse(arguments[0], CultureInfo.InvariantCulture), WorkerArguments.Sandboxed);
                Seccomp.Deny();
            }
            Vips.Start();
            answers.Write(DecodeFrame.Write(new WorkerGreeting(Vips.Version, OperatingSystem.IsLinux() && Sandbox.HasLandlock)));
        }
        catch (InvalidOperationException e)
        {
            answers.Write(DecodeFrame.Make(DecodeAnswer.CannotStart, e.Message));
            return 1;
        }

        // Ignores signals to the process group: the service finishes its images and then ends its workers.
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, s => s.Cancel = true);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, s => s.Cancel = true);
        // The service ends a late worker. When the service is gone, the worker's own alarm does so a little later.
        var seconds = (2 * int.Parse(arguments[1], CultureInfo.InvariantCulture)) + 1;
        using var images = OperatingSystem.IsWindows() ? Console.OpenStandardInput() : Open(0, FileAccess.Read);
        var header = new byte[DecodeRequest.Size];
        while (images.ReadAtLeast(header, header.Length, throwOnEndOfStream: false) == header.Length)
        {
            if (OperatingSystem.IsLinux())
                Sandbox.SetDeadline(seconds);
            answers.Write(Answer(DecodeRequest.Read(header), images));
            if (OperatingSystem.IsLinux())
                Sandbox.ClearDeadline();
        }
        return 0;
    }

    // Not by Console, which would look for a terminal.
    static FileStream Open(int descriptor, FileAccess access) =>
        new(new SafeFileHandle(descriptor, ownsHandle: false), access, bufferSize: 0);

    static unsafe byte[] Answer(DecodeRequest request, Stream images)
    {
        // Native memory is returned to the system at once; the runtime would keep an array's.
        var memory = NativeMemory.Alloc((nuint)request.Length + ImageStructure.Padding);
        try
        {
            var image = new Span<byte>(memory, request.Length + ImageStructure.Padding);
            images.ReadExactly(image[..request.Length]);
            return DecodeFrame.Write(ImagePipeline.Process(image, request));
        }
        catch (RefusedException e)
        {
            return DecodeFrame.Make(e.Answer, e.Message);
        }
        finally
        {
            NativeMemory.Free(memory);
        }
    }
}
