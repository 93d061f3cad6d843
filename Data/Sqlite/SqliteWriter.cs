using System.Collections.Concurrent;
using System.Data.Common;
using System.Diagnostics;
using System.Runtime.ExceptionServices;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using static SQLitePCL.raw;

namespace Profiles.Data.Sqlite;

/// <summary>
/// Gives the file's writers their turns, first come first served, so that none of them finds the file locked, and commits in groups: the
/// writes that queued while the last commit ran are one transaction, in which each has a savepoint. A write is acknowledged once its group
/// is on the disk; a failed commit fails the whole group (docs/adr/0005-two-databases.md).
/// </summary>
/// <param name="connectionString">The file.</param>
/// <param name="timeout"><see cref="DatabaseOptions.Timeout"/>.</param>
sealed class SqliteWriter(string connectionString, TimeSpan timeout) : IDisposable
{
    /// <summary>The number of writes that may wait; the next is refused.</summary>
    public const int QueueLimit = 1000;

    // Bounds how long the others wait for the turn.
    const int LargestGroup = 128;

    /// <summary>Another process may hold the file's lock.</summary>
    static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);

    /// <summary>What a request waits for the file that has timed out before.</summary>
    static readonly TimeSpan LastAttempt = TimeSpan.FromMilliseconds(20);

    readonly SemaphoreSlim turn = new(1);
    readonly TimedOutContexts timedOut = new();
    readonly ConcurrentQueue<Job> queue = new();
    readonly SqliteStatements statements = new(connectionString);
    int queued, isWorking;

    /// <summary>The number of writes that wait for the next group.</summary>
    public int Waiting => Volatile.Read(ref queued);

    /// <summary>
    /// Runs a write in the next group, and returns when that is committed. All commands of the context go to the group meanwhile, so the
    /// work may wait for nothing else. It can be cancelled until it begins. Throws what the work throws, and
    /// <see cref="SqliteException"/> when the turn does not come in time.
    /// </summary>
    public async Task<T> RunAsync<T>(SqliteProfilesDbContext db, Func<Task<T>> work, CancellationToken ct)
    {
        var job = new Job<T>(db, work);
        if (Interlocked.Increment(ref queued) > QueueLimit)
        {
            Interlocked.Decrement(ref queued);
            throw TimedOut(db);
        }
        queue.Enqueue(job);
        if (Interlocked.Exchange(ref isWorking, 1) == 0)
            _ = Task.Run(WorkAsync, CancellationToken.None);
        await ((Task)job.Done).WaitAsync(Patience(db), ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!job.Done.IsCompleted && job.TryAbandon())
        {
            Interlocked.Decrement(ref queued);
            ct.ThrowIfCancellationRequested();
            throw TimedOut(db);
        }
        return await job.Done;
    }

    /// <summary>Waits for the turn of a transaction of its own, which disposing the result ends.</summary>
    public async Task<IDisposable> TakeTurnAsync(DbContext? db, CancellationToken ct) =>
        await turn.WaitAsync(Patience(db), ct) ? new Turn(turn) : throw TimedOut(db);

    /// <summary>
    /// Retries while another process has locked the file, without blocking a thread: the library sleeps on its caller's. A retry is safe,
    /// since a statement that found the file locked has done nothing.
    /// </summary>
    public async ValueTask<TResult> RetryAsync<TState, TResult>(
        Func<TState, TResult> run, TState state, DbContext? db, CancellationToken ct)
    {
        var start = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                return run(state);
            }
            catch (DbException e) when (DatabaseErrors.IsLocked(e))
            {
                if (Stopwatch.GetElapsedTime(start) >= Patience(db))
                {
                    timedOut.Add(db);
                    throw;
                }
            }
            await Task.Delay(Pause, ct);
        }
    }

    /// <summary>The command, to be run in the group.</summary>
    public SqliteCommand Prepare(DbCommand command) => statements.Prepare(command);

    public void Dispose()
    {
        // A group that is being committed ends first; the semaphore stays, for a transaction that is rolled back later.
        if (turn.Wait(timeout))
            statements.Dispose();
    }

    async Task WorkAsync()
    {
        do
        {
            await turn.WaitAsync();
            try
            {
                await CommitAsync();
            }
            finally
            {
                turn.Release();
                // With a full fence: whoever queues after the look below finds that nobody works.
                Interlocked.Exchange(ref isWorking, 0);
            }
        }
        while (!queue.IsEmpty && Interlocked.Exchange(ref isWorking, 1) == 0);
    }

    async Task CommitAsync()
    {
        var group = new List<Job>();
        Exception? failure = null;
        try
        {
            if (!await BeginAsync())
                return;
            Take(group);
            foreach (var job in group)
                await RunAsync(job);
            statements.Execute("COMMIT");
        }
        catch (Exception e)
        {
            failure = e;
            if (group.Count == 0)
                Take(group);
            // Rolls back, whatever state the transaction is in.
            statements.Dispose();
        }
        finally
        {
            foreach (var job in group)
                job.Complete(failure);
        }
    }

    // Returns false when nobody waits any longer.
    async Task<bool> BeginAsync()
    {
        while (true)
        {
            while (queue.TryPeek(out var next) && next.IsAbandoned)
                queue.TryDequeue(out _);
            if (queue.IsEmpty)
                return false;
            try
            {
                statements.Execute("BEGIN IMMEDIATE");
                return true;
            }
            catch (SqliteException e) when (DatabaseErrors.IsLocked(e))
            {
                await Task.Delay(Pause);
            }
        }
    }

    async Task RunAsync(Job job)
    {
        statements.Execute("SAVEPOINT job");
        if (await job.RunAsync() is { } failure)
        {
            if (statements.IsRolledBack)
                ExceptionDispatchInfo.Throw(failure);
            statements.Execute("ROLLBACK TO job");
        }
        statements.Execute("RELEASE job");
    }

    void Take(List<Job> group)
    {
        for (var left = Math.Min(queue.Count, LargestGroup); left > 0 && queue.TryDequeue(out var job); left--)
        {
            if (!job.TryBegin())
                continue;
            Interlocked.Decrement(ref queued);
            group.Add(job);
        }
    }

    TimeSpan Patience(DbContext? db) => timedOut.Contains(db) ? LastAttempt : timeout;

    SqliteException TimedOut(DbContext? db)
    {
        timedOut.Add(db);
        return new("The turn to write to the database file did not come in time.", SQLITE_BUSY);
    }

    sealed class Turn(SemaphoreSlim turn) : IDisposable
    {
        SemaphoreSlim? held = turn;

        public void Dispose() => Interlocked.Exchange(ref held, null)?.Release();
    }

    abstract class Job
    {
        const int Waiting = 0, Begun = 1, Abandoned = 2;

        int state;

        public bool IsAbandoned => Volatile.Read(ref state) == Abandoned;

        public bool TryBegin() => Interlocked.CompareExchange(ref state, Begun, Waiting) == Waiting;

        public virtual bool TryAbandon() => Interlocked.CompareExchange(ref state, Abandoned, Waiting) == Waiting;

        /// <summary>Returns why it failed, or null.</summary>
        public abstract Task<Exception?> RunAsync();

        /// <summary>Hands the result to the caller, or why the group was not committed.</summary>
        public abstract void Complete(Exception? failure);
    }

    sealed class Job<T>(SqliteProfilesDbContext db, Func<Task<T>> work) : Job
    {
        // The request's: the log shows its trace id.
        readonly ExecutionContext flow = ExecutionContext.Capture()!;
        readonly TaskCompletionSource<T> done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Func<Task<T>>? work = work;
        Task<T>? run;

        public Task<T> Done => done.Task;

        // It stays queued; what it would have written does not.
        public override bool TryAbandon()
        {
            if (!base.TryAbandon())
                return false;
            work = null;
            return true;
        }

        public override async Task<Exception?> RunAsync()
        {
            db.IsInGroup = true;
            try
            {
                ExecutionContext.Run(flow, static job => ((Job<T>)job!).Start(), this);
                await run!;
                return null;
            }
            catch (Exception e)
            {
                run ??= Task.FromException<T>(e);
                return e;
            }
            finally
            {
                db.IsInGroup = false;
            }
        }

        public override void Complete(Exception? failure)
        {
            if (failure is null)
                done.SetFromTask(run!);
            else
                done.SetException(run?.Exception?.InnerException == failure ? failure : DatabaseErrors.ForOther(failure));
        }

        void Start() => run = work!();
    }
}
