using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;

namespace Profiles.Data.Sqlite;

/// <summary>The context on SQLite: the one that its migrations name.</summary>
sealed class SqliteProfilesDbContext(DbContextOptions<SqliteProfilesDbContext> options) : ProfilesDbContext(options)
{
    // A reader has its answer in less.
    const int MostTries = 5;
    static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    /// <summary>Empties the write-ahead log, which still has the pages as they were. While another connection reads it cannot.</summary>
    public override async Task<bool> EraseDeletedAsync(CancellationToken ct)
    {
        await Database.OpenConnectionAsync(ct);
        try
        {
            using var command = Database.GetDbConnection().CreateCommand();
            // https://www.sqlite.org/pragma.html#pragma_wal_checkpoint: its first column is 1 when it was kept from it.
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

    // For the migrations tool, which needs the model and no database.
    sealed class Factory : IDesignTimeDbContextFactory<SqliteProfilesDbContext>
    {
        public SqliteProfilesDbContext CreateDbContext(string[] args) =>
            new(new DbContextOptionsBuilder<SqliteProfilesDbContext>().UseSqlite("Data Source=none").Options);
    }
}
