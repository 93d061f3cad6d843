using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;

namespace Profiles.Data;

/// <summary>The context on SQLite: the one that its migrations name.</summary>
sealed class SqliteProfilesDbContext(DbContextOptions<SqliteProfilesDbContext> options) : ProfilesDbContext(options)
{
    /// <summary>Empties the write-ahead log, which still has the pages as they were. It stays for the next time when another connection reads at the moment.</summary>
    public override Task EraseDeletedAsync(CancellationToken ct) => Database.ExecuteSqlRawAsync("PRAGMA wal_checkpoint(TRUNCATE)", ct);

    // For the migrations tool, which needs the model and no database.
    sealed class Factory : IDesignTimeDbContextFactory<SqliteProfilesDbContext>
    {
        public SqliteProfilesDbContext CreateDbContext(string[] args) =>
            new(new DbContextOptionsBuilder<SqliteProfilesDbContext>().UseSqlite("Data Source=none").Options);
    }
}
