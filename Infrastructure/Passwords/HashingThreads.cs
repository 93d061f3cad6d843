using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace Profiles.Infrastructure.Passwords;

/// <summary>
/// Runs tasks on threads of its own, one for each core, of a low priority: hashing takes what is left of every core, and requests that hash
/// nothing go first.
/// </summary>
sealed partial class HashingThreads : TaskScheduler, IDisposable
{
    /// <summary>
    /// The threads' nice value on Linux. On a busy machine a hash takes ten times as long as alone; at 19, or as an idle thread
    /// (<c>SCHED_IDLE</c>), it would take seconds.
    /// </summary>
    public const int Niceness = 10;

    const int PrioProcess = 0, ThisThread = 0;

    readonly BlockingCollection<Task> tasks = [];

    public HashingThreads()
    {
        for (var i = 0; i < MaximumConcurrencyLevel; i++)
            new Thread(Work) { IsBackground = true, Name = "Hashing", Priority = ThreadPriority.BelowNormal }.Start();
    }

    public override int MaximumConcurrencyLevel => Environment.ProcessorCount;

    public void Dispose() => tasks.CompleteAdding();

    protected override void QueueTask(Task task) => tasks.Add(task);

    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

    protected override IEnumerable<Task> GetScheduledTasks() => tasks;

    void Work()
    {
        // .NET does not set a thread's priority on Linux. Where the kernel refuses, hashing goes on at the ordinary one.
        if (OperatingSystem.IsLinux())
            _ = setpriority(PrioProcess, ThisThread, Niceness);
        foreach (var task in tasks.GetConsumingEnumerable())
            TryExecuteTask(task);
    }

    [LibraryImport("libc")]
    private static partial int setpriority(int which, uint who, int priority);
}
