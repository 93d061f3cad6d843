using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;

namespace Profiles.Data.PostgreSql;

/// <summary>The context on PostgreSQL: text compares byte by byte, as on SQLite, and signing keys have tables.</summary>
sealed class PostgreSqlProfilesDbContext(DbContextOptions<PostgreSqlProfilesDbContext> options) : ProfilesDbContext(options)
{
    public DbSet<SigningKey> SigningKeys => Set<SigningKey>();

    public DbSet<RingKey> RingKeys => Set<RingKey>();

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        base.OnModelCreating(modelBuilder);
        var keys = modelBuilder.Entity<SigningKey>();
        keys.ToTable("signing_keys");
        keys.Property(k => k.Id).HasColumnName("id").ValueGeneratedNever();
        keys.Property(k => k.Value).HasColumnName("value").HasMaxLength(SigningKey.ValueMaxLength);
        keys.Property(k => k.CreatedAt).HasColumnName("created_at");
        var ring = modelBuilder.Entity<RingKey>();
        ring.ToTable("signing_key_ring");
        ring.Property(k => k.Id).HasColumnName("id").HasMaxLength(RingKey.IdLength);
        ring.Property(k => k.Value).HasColumnName("value").HasMaxLength(RingKey.ValueMaxLength);
        ring.Property(k => k.CreatedAt).HasColumnName("created_at");
        ring.Property(k => k.ActivatedAt).HasColumnName("activated_at");
        ring.Property(k => k.RetiredAt).HasColumnName("retired_at");
    }

    protected override void ConfigureConventions(ModelConfigurationBuilder configurationBuilder)
    {
        base.ConfigureConventions(configurationBuilder);
        // Independent of the database's own collation.
        configurationBuilder.Properties<string>().UseCollation("C");
    }

    // For dotnet ef, which needs the model and no database.
    sealed class Factory : IDesignTimeDbContextFactory<PostgreSqlProfilesDbContext>
    {
        public PostgreSqlProfilesDbContext CreateDbContext(string[] args) =>
            new(new DbContextOptionsBuilder<PostgreSqlProfilesDbContext>().UseNpgsql("Host=none").Options);
    }
}
