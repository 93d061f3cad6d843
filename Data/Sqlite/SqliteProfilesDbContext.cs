using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;
using Microsoft.EntityFrameworkCore.Infrastructure;

namespace Profiles.Data.Sqlite;

/// <summary>The context on SQLite, named by its migrations.</summary>
sealed class SqliteProfilesDbContext(DbContextOptions<SqliteProfilesDbContext> options) : ProfilesDbContext(options)
{
    // Longer than a read takes.
    const int MostTries = 5;
    static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    /// <summary>Whether the commands go to the connection of the writer's group. The <see cref="SqliteWriter"/> sets it.</summary>
    public bool IsInGroup { get; set; }

    public override bool IsInTransaction => IsInGroup || base.IsInTransaction;

    SqliteWriter Writer => ((SqliteEngine)this.GetService<DatabaseEngine>()).Writer;

    /// <summary>Runs statements in a group of the <see cref="SqliteWriter"/>, or in the transaction that the context is in.</summary>
    public Task<T> GroupAsync<T>(Func<Task<T>> statements, CancellationToken ct) =>
        IsInTransaction ? statements() : Writer.RunAsync(this, statements, ct);

    public override Task<T> WriteAsync<T>(Func<Task<T>> statement, CancellationToken ct) => GroupAsync(statement, ct);

    public override Task<T> TransactAsync<T>(Func<Task<T>> statements, CancellationToken ct) => GroupAsync(statements, ct);

    /// <summary>Truncates the write-ahead log, which still has the old pages. Fails while another connection reads.</summary>
    public override async Task<bool> EraseDeletedAsync(CancellationToken ct)
    {
        using var turn = await Writer.TakeTurnAsync(this, ct);
        await Database.OpenConnectionAsync(ct);
        try
        {
            using var command = Database.GetDbConnection().CreateCommand();
            // https://www.sqlite.org/pragma.html#pragma_wal_checkpoint: the first column is 1 when another connection blocked it.
            command.CommandText = "PRAGMA wal_checkpoint(TRUNCATE)";
            for (var tries = 0; tries < MostTries; tries++)
            {
                if (await command.ExecuteScalarAsync(ct) is 0L)
                    return true;
                await Task.Delay(Pause, ct);
            }
            return false;
        }
        finally
        {
            await Database.CloseConnectionAsync();
        }
    }

    // For dotnet ef, which needs the model and no database.
    sealed class Factory : IDesignTimeDbContextFactory<SqliteProfilesDbContext>
    {
        public SqliteProfilesDbContext CreateDbContext(string[] args) =>
            new(new DbContextOptionsBuilder<SqliteProfilesDbContext>().UseSqlite("Data Source=none").Options);
    }
}
