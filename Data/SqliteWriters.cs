using System.Data.Common;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Profiles.Infrastructure.Errors;

namespace Profiles.Data;

/// <summary>
/// The writers of a file in a row. SQLite lets one write at a time and makes the others wait in their threads: a hundred of them would take every thread there is,
/// and with them the requests that only read. Here they wait without one. Throws <see cref="BusyException"/> when a turn does not come in time.
/// </summary>
sealed class SqliteWriters(TimeSpan patience) : DbCommandInterceptor, IDbTransactionInterceptor, IDbConnectionInterceptor, IDisposable
{
    readonly SemaphoreSlim turn = new(1, 1);

    public override async ValueTask<InterceptionResult<DbDataReader>> ReaderExecutingAsync(
        DbCommand command, CommandEventData eventData, InterceptionResult<DbDataReader> result, CancellationToken cancellationToken = default)
    {
        await TakeTurnToWriteAsync(eventData, cancellationToken);
        return result;
    }

    public override async ValueTask<InterceptionResult<int>> NonQueryExecutingAsync(
        DbCommand command, CommandEventData eventData, InterceptionResult<int> result, CancellationToken cancellationToken = default)
    {
        await TakeTurnToWriteAsync(eventData, cancellationToken);
        return result;
    }

    // A transaction takes the file's lock when it begins.
    public async ValueTask<InterceptionResult<DbTransaction>> TransactionStartingAsync(
        DbConnection connection, TransactionStartingEventData eventData, InterceptionResult<DbTransaction> result, CancellationToken cancellationToken = default)
    {
        await TakeTurnAsync(eventData, cancellationToken);
        return result;
    }

    // However the write ended, the connection is given back after it.
    public Task ConnectionClosedAsync(DbConnection connection, ConnectionEndEventData eventData)
    {
        EndTurn(eventData);
        return Task.CompletedTask;
    }

    public void ConnectionClosed(DbConnection connection, ConnectionEndEventData eventData) => EndTurn(eventData);

    public void Dispose() => turn.Dispose();

    Task TakeTurnToWriteAsync(CommandEventData data, CancellationToken ct) =>
        data.CommandSource is CommandSource.SaveChanges or CommandSource.ExecuteUpdate or CommandSource.ExecuteDelete ? TakeTurnAsync(data, ct) : Task.CompletedTask;

    async Task TakeTurnAsync(DbContextEventData data, CancellationToken ct)
    {
        if (data.Context is not SqliteProfilesDbContext { HasTurn: false } context)
            return;
        if (!await turn.WaitAsync(patience, ct))
            throw new BusyException("Too many writes are waiting for the database.");
        context.HasTurn = true;
    }

    void EndTurn(DbContextEventData data)
    {
        if (data.Context is not SqliteProfilesDbContext { HasTurn: true } context)
            return;
        context.HasTurn = false;
        turn.Release();
    }
}
