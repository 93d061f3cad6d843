using System.Globalization;

namespace Profiles.Infrastructure.Decoding.Worker.Protocol;

/// <summary>The arguments of a worker: its writable memory in bytes, and the seconds that one image may take.</summary>
public static class WorkerArguments
{
    /// <summary>The third argument, which says that the worker has restricted itself.</summary>
    public const string Sandboxed = "sandboxed";

    public static string[] Make(long memory, TimeSpan timeout) =>
        [memory.ToString(CultureInfo.InvariantCulture), ((int)Math.Ceiling(timeout.TotalSeconds)).ToString(CultureInfo.InvariantCulture)];
}
