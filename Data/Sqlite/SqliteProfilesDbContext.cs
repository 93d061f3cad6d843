using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;

namespace Profiles.Data.Sqlite;

/// <summary>The context on SQLite, named by its migrations.</summary>
sealed class SqliteProfilesDbContext(DbContextOptions<SqliteProfilesDbContext> options) : ProfilesDbContext(options)
{
    // Longer than a read takes.
    const int MostTries = 5;
    static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    /// <summary>Truncates the write-ahead log, which still has the old pages. Fails while another connection reads.</summary>
    public override async Task<bool> EraseDeletedAsync(CancellationToken ct)
    {
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
