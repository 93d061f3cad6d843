using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Profiles.Data;

/// <summary>An address of the operator's own that is told what happens (Standard Webhooks), made by command.</summary>
sealed class WebhookEndpoint
{
    public const int NameMaxLength = 100;

    public const int UrlMaxLength = 2000;

    public const int EventsMaxLength = 500;

    /// <summary>A secret of 64 bytes in Base64 with its prefix, encrypted.</summary>
    public const int SecretMaxLength = 300;

    public long Id { get; init; }

    /// <summary>What the operator calls it; unique.</summary>
    public required string Name { get; init; }

    public required string Url { get; set; }

    /// <summary>The events that it gets, separated by spaces; empty for all.</summary>
    public required string Events { get; set; }

    /// <summary>The secret that signs, encrypted when a key for that is set.</summary>
    public required string Secret { get; set; }

    /// <summary>The secret before, which signs as well until <see cref="PreviousSecretUntil"/>.</summary>
    public string? PreviousSecret { get; set; }

    /// <summary>UTC.</summary>
    public DateTime? PreviousSecretUntil { get; set; }

    /// <summary>UTC.</summary>
    public required DateTime CreatedAt { get; init; }

    public bool Wants(string type) => Events.Length == 0 || Events.Split(' ').Contains(type);

    /// <summary>The secrets that sign at a time: both while receivers learn the new one.</summary>
    public IEnumerable<string> SecretsAt(DateTime utc) =>
        PreviousSecret is { } previous && PreviousSecretUntil > utc ? [Secret, previous] : [Secret];
}

sealed class WebhookEndpointConfiguration : IEntityTypeConfiguration<WebhookEndpoint>
{
    public void Configure(EntityTypeBuilder<WebhookEndpoint> builder)
    {
        builder.ToTable("webhook_endpoints");
        builder.Property(e => e.Id).HasColumnName("id");
        builder.Property(e => e.Name).HasColumnName("name").HasMaxLength(WebhookEndpoint.NameMaxLength);
        builder.Property(e => e.Url).HasColumnName("url").HasMaxLength(WebhookEndpoint.UrlMaxLength);
        builder.Property(e => e.Events).HasColumnName("events").HasMaxLength(WebhookEndpoint.EventsMaxLength);
        builder.Property(e => e.Secret).HasColumnName("secret").HasMaxLength(WebhookEndpoint.SecretMaxLength);
        builder.Property(e => e.PreviousSecret).HasColumnName("previous_secret").HasMaxLength(WebhookEndpoint.SecretMaxLength);
        builder.Property(e => e.PreviousSecretUntil).HasColumnName("previous_secret_until");
        builder.Property(e => e.CreatedAt).HasColumnName("created_at");
        builder.HasIndex(e => e.Name).IsUnique().HasDatabaseName("ux_webhook_endpoints_name");
    }
}
