using System.Data.Common;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore.Diagnostics;

namespace Profiles.Data.Sqlite;

/// <summary>
/// A connection that stays open as long as its pooled context lives, and reuses the last command with its prepared statement. EF Core opens
/// and closes the connection around every query. The pool of Microsoft.Data.Sqlite then keeps the file open, but pragmas, some thirty
/// functions and the statement are set up again each time, which takes as long as a short read (docs/adr/0005-two-databases.md).
/// </summary>
sealed class PersistentSqliteConnection(string connectionString) : SqliteConnection(connectionString)
{
    ReusedCommand? idle;
    bool isClosing;

    /// <summary>The <see cref="SqliteWriter"/>'s turn, which ends with the transaction.</summary>
    public IDisposable? Turn { get; set; }

    protected override SqliteTransaction? Transaction
    {
        get => base.Transaction;
        set
        {
            base.Transaction = value;
            if (value is null)
            {
                Turn?.Dispose();
                Turn = null;
            }
        }
    }

    public override SqliteCommand CreateCommand()
    {
        var command = idle ?? new ReusedCommand(this) { Connection = this };
        idle = null;
        (command.CommandTimeout, command.Transaction) = (DefaultTimeout, Transaction);
        return command;
    }

    // An unfinished transaction must not leak into the next request.
    public override void Close()
    {
        if (Transaction is not null)
            End(base.Close);
        else if (isClosing)
            base.Close();
    }

    protected override void Dispose(bool disposing) => End(() => base.Dispose(disposing));

    // Closing disposes the commands, so none of them may be kept.
    void End(Action end)
    {
        isClosing = true;
        idle = null;
        end();
        isClosing = false;
    }

    /// <summary>Makes EF Core use such connections.</summary>
    public sealed class Source(string connectionString) : DbConnectionInterceptor
    {
        public override InterceptionResult<DbConnection> ConnectionCreating(
            ConnectionCreatingEventData eventData, InterceptionResult<DbConnection> result) =>
            InterceptionResult<DbConnection>.SuppressWithResult(new PersistentSqliteConnection(connectionString));
    }

    // A context mostly runs the same text again, which reuses the prepared statement.
    sealed class ReusedCommand(PersistentSqliteConnection owner) : SqliteCommand
    {
        protected override void Dispose(bool disposing)
        {
            if (!disposing || owner.isClosing || owner.idle is not null || DataReader is not null)
            {
                base.Dispose(disposing);
                return;
            }
            Parameters.Clear();
            owner.idle = this;
        }
    }
}
