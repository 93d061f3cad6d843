using System.Data.Common;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore.Diagnostics;

namespace Profiles.Data.Sqlite;

/// <summary>
/// A connection that stays open as long as its pooled context lives, and keeps the command that it ran last with its prepared statement. EF
/// Core opens and closes a connection around every query: the pool of Microsoft.Data.Sqlite keeps the file open meanwhile, but pragmas,
/// some thirty functions and the statement are made anew each time. That took half of the processor time of <c>GET /me</c> (<c>./dev bench
/// reads</c>, docs/adr/0005-two-databases.md).
/// </summary>
sealed class PersistentSqliteConnection(string connectionString) : SqliteConnection(connectionString)
{
    ReusedCommand? idle;
    bool ends;

    public override SqliteCommand CreateCommand()
    {
        var command = idle ?? new ReusedCommand(this) { Connection = this };
        idle = null;
        (command.CommandTimeout, command.Transaction) = (DefaultTimeout, Transaction);
        return command;
    }

    // A transaction that nobody ended must not meet the next request.
    public override void Close()
    {
        if (Transaction is not null)
            End(base.Close);
        else if (ends)
            base.Close();
    }

    protected override void Dispose(bool disposing) => End(() => base.Dispose(disposing));

    // Closing disposes the commands: none of them may be kept then.
    void End(Action end)
    {
        ends = true;
        idle = null;
        end();
        ends = false;
    }

    /// <summary>Hands such connections to EF Core in place of its own.</summary>
    public sealed class Source(string connectionString) : DbConnectionInterceptor
    {
        public override InterceptionResult<DbConnection> ConnectionCreating(ConnectionCreatingEventData eventData, InterceptionResult<DbConnection> result) =>
            InterceptionResult<DbConnection>.SuppressWithResult(new PersistentSqliteConnection(connectionString));
    }

    // With the same text again, which is what a context mostly runs, the statement is used again.
    sealed class ReusedCommand(PersistentSqliteConnection owner) : SqliteCommand
    {
        protected override void Dispose(bool disposing)
        {
            if (!disposing || owner.ends || owner.idle is not null || DataReader is not null)
            {
                base.Dispose(disposing);
                return;
            }
            Parameters.Clear();
            owner.idle = this;
        }
    }
}
