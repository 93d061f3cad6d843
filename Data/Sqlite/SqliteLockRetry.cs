using System.Data.Common;
using System.Diagnostics;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;

namespace Profiles.Data.Sqlite;

/// <summary>
/// Waits for a file that another holds, in turn and without a thread. The library itself sleeps on its caller's: with a hundred writers
/// that waited so, a request for the health was answered after 22 seconds (docs/adr/0005-two-databases.md). Trying again is safe, since a
/// statement that found the file locked has done nothing.
/// </summary>
/// <param name="timeout"><see cref="DatabaseOptions.Timeout"/>.</param>
sealed class SqliteLockRetry(TimeSpan timeout) : DbCommandInterceptor, IDbTransactionInterceptor, IDisposable
{
    /// <summary>For the connection string: the library gives up at once. (Its 0 is for ever.)</summary>
    public const int NoRetryByTheLibrary = -1;

    static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);

    // Whoever has it looks whether the file is free; the others wait for that one.
    readonly SemaphoreSlim first = new(1);
    readonly TimedOutContexts timedOut = new();

    public override async ValueTask<InterceptionResult<DbDataReader>> ReaderExecutingAsync(
        DbCommand command, CommandEventData eventData, InterceptionResult<DbDataReader> result, CancellationToken cancellationToken = default) =>
        InterceptionResult<DbDataReader>.SuppressWithResult(await RunAsync(static c => c.ExecuteReader(), command, eventData, cancellationToken));

    public override async ValueTask<InterceptionResult<int>> NonQueryExecutingAsync(
        DbCommand command, CommandEventData eventData, InterceptionResult<int> result, CancellationToken cancellationToken = default) =>
        InterceptionResult<int>.SuppressWithResult(await RunAsync(static c => c.ExecuteNonQuery(), command, eventData, cancellationToken));

    public override async ValueTask<InterceptionResult<object>> ScalarExecutingAsync(
        DbCommand command, CommandEventData eventData, InterceptionResult<object> result, CancellationToken cancellationToken = default) =>
        InterceptionResult<object>.SuppressWithResult((await RunAsync(static c => c.ExecuteScalar(), command, eventData, cancellationToken))!);

    public async ValueTask<InterceptionResult<DbTransaction>> TransactionStartingAsync(
        DbConnection connection, TransactionStartingEventData eventData, InterceptionResult<DbTransaction> result, CancellationToken cancellationToken = default) =>
        InterceptionResult<DbTransaction>.SuppressWithResult(
            await RunAsync(static s => s.connection.BeginTransaction(s.IsolationLevel), (connection, eventData.IsolationLevel), eventData, cancellationToken));

    public void Dispose() => first.Dispose();

    async ValueTask<TResult> RunAsync<TState, TResult>(Func<TState, TResult> run, TState state, DbContextEventData asked, CancellationToken ct)
    {
        try
        {
            return run(state);
        }
        catch (DbException e) when (DatabaseErrors.IsLocked(e) && !timedOut.Contains(asked.Context))
        {
            // Now it waits.
        }
        return await WaitAsync(run, state, asked.Context, ct);
    }

    async Task<TResult> WaitAsync<TState, TResult>(Func<TState, TResult> run, TState state, DbContext? context, CancellationToken ct)
    {
        var start = Stopwatch.GetTimestamp();
        var isFirst = await first.WaitAsync(timeout, ct);
        try
        {
            while (isFirst && Stopwatch.GetElapsedTime(start) < timeout)
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
            if (isFirst)
                first.Release();
        }
    }
}
