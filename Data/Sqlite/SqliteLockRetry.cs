using System.Data.Common;
using System.Diagnostics;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;

namespace Profiles.Data.Sqlite;

/// <summary>
/// Retries statements while another connection has locked the file, in order and without blocking a thread. The library itself sleeps on
/// the caller's thread: with a hundred writers waiting so, a health check was answered after 22 seconds (docs/adr/0005-two-databases.md).
/// A retry is safe, since a statement that found the file locked has done nothing.
/// </summary>
/// <param name="timeout"><see cref="DatabaseOptions.Timeout"/>.</param>
sealed class SqliteLockRetry(TimeSpan timeout) : DbCommandInterceptor, IDbTransactionInterceptor, IDisposable
{
    /// <summary>For the connection string: the library fails at once. (Its 0 means forever.)</summary>
    public const int NoRetryByTheLibrary = -1;

    static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);

    // One waiter polls; the others queue behind it.
    readonly SemaphoreSlim poll = new(1);
    readonly TimedOutContexts timedOut = new();

    public override async ValueTask<InterceptionResult<DbDataReader>> ReaderExecutingAsync(
        DbCommand command, CommandEventData eventData, InterceptionResult<DbDataReader> result,
        CancellationToken cancellationToken = default) =>
        InterceptionResult<DbDataReader>.SuppressWithResult(
            await RunAsync(static c => c.ExecuteReader(), command, eventData, cancellationToken));

    public override async ValueTask<InterceptionResult<int>> NonQueryExecutingAsync(
        DbCommand command, CommandEventData eventData, InterceptionResult<int> result, CancellationToken cancellationToken = default) =>
        InterceptionResult<int>.SuppressWithResult(
            await RunAsync(static c => c.ExecuteNonQuery(), command, eventData, cancellationToken));

    public override async ValueTask<InterceptionResult<object>> ScalarExecutingAsync(
        DbCommand command, CommandEventData eventData, InterceptionResult<object> result, CancellationToken cancellationToken = default) =>
        InterceptionResult<object>.SuppressWithResult(
            (await RunAsync(static c => c.ExecuteScalar(), command, eventData, cancellationToken))!);

    public async ValueTask<InterceptionResult<DbTransaction>> TransactionStartingAsync(
        DbConnection connection, TransactionStartingEventData eventData, InterceptionResult<DbTransaction> result,
        CancellationToken cancellationToken = default) =>
        InterceptionResult<DbTransaction>.SuppressWithResult(await RunAsync(
            static s => s.connection.BeginTransaction(s.IsolationLevel), (connection, eventData.IsolationLevel), eventData,
            cancellationToken));

    public void Dispose() => poll.Dispose();

    async ValueTask<TResult> RunAsync<TState, TResult>(
        Func<TState, TResult> run, TState state, DbContextEventData caller, CancellationToken ct)
    {
        try
        {
            return run(state);
        }
        catch (DbException e) when (DatabaseErrors.IsLocked(e) && !timedOut.Contains(caller.Context))
        {
            // Waits below.
        }
        return await WaitAsync(run, state, caller.Context, ct);
    }

    async Task<TResult> WaitAsync<TState, TResult>(Func<TState, TResult> run, TState state, DbContext? context, CancellationToken ct)
    {
        var start = Stopwatch.GetTimestamp();
        var isPolling = await poll.WaitAsync(timeout, ct);
        try
        {
            while (isPolling && Stopwatch.GetElapsedTime(start) < timeout)
            {
                try
                {
                    return run(state);
                }
                catch (DbException e) when (DatabaseErrors.IsLocked(e))
                {
                    await Task.Delay(Pause, ct);
                }
            }
            timedOut.Add(context);
            return run(state);
        }
        finally
        {
            if (isPolling)
                poll.Release();
        }
    }
}
