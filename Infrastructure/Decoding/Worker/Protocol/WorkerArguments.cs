using System.Globalization;

namespace Profiles.Infrastructure.Decoding.Worker.Protocol;

/// <summary>What a worker is started with: its writable memory in bytes, and the seconds that one image may take.</summary>
public static class WorkerArguments
{
    /// <summary>A third argument: the worker has restricted itself.</summary>
    public const string Sandboxed = "sandboxed";

    public static string[] Make(long memory, TimeSpan timeout) =>
        [memory.ToString(CultureInfo.InvariantCulture), ((int)Math.Ceiling(timeout.TotalSeconds)).ToString(CultureInfo.InvariantCulture)];
}
