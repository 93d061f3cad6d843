using System.Data.Common;
using Microsoft.EntityFrameworkCore.Diagnostics;

namespace Profiles.Data.Sqlite;

/// <summary>Sends the statements that write to the <see cref="SqliteWriter"/>, and retries the others while the file is locked.</summary>
sealed class SqliteRouting(SqliteWriter writer) : DbCommandInterceptor, IDbTransactionInterceptor
{
    public override async ValueTask<InterceptionResult<DbDataReader>> ReaderExecutingAsync(
        DbCommand command, CommandEventData eventData, InterceptionResult<DbDataReader> result,
        CancellationToken cancellationToken = default) =>
        InterceptionResult<DbDataReader>.SuppressWithResult(IsInGroup(eventData)
            ? writer.Prepare(command).ExecuteReader()
            : await writer.RetryAsync(static c => c.ExecuteReader(), command, eventData.Context, cancellationToken));

    public override async ValueTask<InterceptionResult<int>> NonQueryExecutingAsync(
        DbCommand command, CommandEventData eventData, InterceptionResult<int> result, CancellationToken cancellationToken = default) =>
        InterceptionResult<int>.SuppressWithResult(command.Transaction is not null
            ? command.ExecuteNonQuery()
            : await ((SqliteProfilesDbContext)eventData.Context!).GroupAsync(
                () => Task.FromResult(writer.Prepare(command).ExecuteNonQuery()), cancellationToken));

    public async ValueTask<InterceptionResult<DbTransaction>> TransactionStartingAsync(
        DbConnection connection, TransactionStartingEventData eventData, InterceptionResult<DbTransaction> result,
        CancellationToken cancellationToken = default)
    {
        var turn = await writer.TakeTurnAsync(eventData.Context, cancellationToken);
        try
        {
            var transaction = await writer.RetryAsync(
                static s => s.connection.BeginTransaction(s.IsolationLevel), (connection, eventData.IsolationLevel), eventData.Context,
                cancellationToken);
            ((PersistentSqliteConnection)connection).Turn = turn;
            return InterceptionResult<DbTransaction>.SuppressWithResult(transaction);
        }
        catch
        {
            turn.Dispose();
            throw;
        }
    }

    static bool IsInGroup(CommandEventData command) => command.Context is SqliteProfilesDbContext { IsInGroup: true };
}
