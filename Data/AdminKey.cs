using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Profiles.Data;

/// <summary>A key of an operator or of another service, for the admin API and for introspection. Only its hash is stored.</summary>
sealed class AdminKey
{
    public const int NameMaxLength = 100;

    /// <summary>Bytes of a SHA-256 hash.</summary>
    public const int HashLength = 32;

    public const int ScopesMaxLength = 200;

    public long Id { get; init; }

    /// <summary>What the operator calls it, and the audit log; unique.</summary>
    public required string Name { get; init; }

    /// <summary>SHA-256 of the key, which has 256 random bits; unique.</summary>
    public required byte[] Hash { get; init; }

    /// <summary>What it may do, separated by spaces.</summary>
    public required string Scopes { get; init; }

    /// <summary>UTC.</summary>
    public required DateTime CreatedAt { get; init; }

    /// <summary>Whether it may do what needs this scope.</summary>
    public bool Has(string scope) => Scopes.Split(' ').Contains(scope);
}

sealed class AdminKeyConfiguration : IEntityTypeConfiguration<AdminKey>
{
    public void Configure(EntityTypeBuilder<AdminKey> builder)
    {
        builder.ToTable("admin_keys");
        builder.Property(k => k.Id).HasColumnName("id");
        builder.Property(k => k.Name).HasColumnName("name").HasMaxLength(AdminKey.NameMaxLength);
        builder.Property(k => k.Hash).HasColumnName("hash").HasMaxLength(AdminKey.HashLength);
        builder.Property(k => k.Scopes).HasColumnName("scopes").HasMaxLength(AdminKey.ScopesMaxLength);
        builder.Property(k => k.CreatedAt).HasColumnName("created_at");
        builder.HasIndex(k => k.Name).IsUnique().HasDatabaseName("ux_admin_keys_name");
        builder.HasIndex(k => k.Hash).IsUnique().HasDatabaseName("ux_admin_keys_hash");
    }
}
