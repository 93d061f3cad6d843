using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Profiles.Data;

/// <summary>The kinds of <see cref="SecurityEvent"/>, shown in snake_case. The numbers are in the database.</summary>
enum SecurityEventKind
{
    Registered = 1,
    LoggedIn = 2,

    /// <summary>A wrong password, at a login or wherever else one is asked for.</summary>
    LoginFailed = 3,
    LoggedOut = 4,
    SessionEnded = 5,

    /// <summary>A replaced refresh token was used again: its session was ended.</summary>
    RefreshTokenReused = 6,
    PasswordChanged = 7,
    PasswordResetRequested = 8,
    PasswordReset = 9,
    EmailChangeRequested = 10,
    EmailChanged = 11,
    EmailVerified = 12,
    DataExported = 13,

    /// <summary>For the log only: the account's own events are deleted with it.</summary>
    AccountDeleted = 14,

    /// <summary>By an operator, as the next one.</summary>
    AccountDisabled = 15,
    AccountEnabled = 16,

    /// <summary>
    /// The owner of the mailbox has proved the address, which nobody had done: what could log in before cannot any more.
    /// </summary>
    WaysInRemoved = 39,

    /// <summary>Apple, Google or another issuer became a way in.</summary>
    IdentityAdded = 40,
    IdentityRemoved = 41,
    PasskeyAdded = 42,
    PasskeyRemoved = 43,

    /// <summary>A second factor was confirmed.</summary>
    SecondFactorEnabled = 44,
    SecondFactorDisabled = 45,
    RecoveryCodeUsed = 46,
    RecoveryCodesRenewed = 47,

    /// <summary>A wrong code of a second factor, after a right password or another first factor.</summary>
    SecondFactorFailed = 48,

    /// <summary>A passkey signed with a counter that is not above its last: there may be a copy of it. Nobody was logged in.</summary>
    PasskeyCounterReturned = 49,
}

/// <summary>What happened to an account, for its owner to see; deleted after 90 days.</summary>
sealed class SecurityEvent
{
    /// <summary>Longer than any IPv6 network in text.</summary>
    public const int NetworkMaxLength = 50;

    /// <summary>More than a person reads.</summary>
    public const int MostListed = 1000;

    /// <summary>More than 90 days bring without an attack.</summary>
    public const int MostExported = 100_000;

    public static readonly TimeSpan Retention = TimeSpan.FromDays(90);

    public long Id { get; init; }

    public required long UserId { get; init; }

    public required SecurityEventKind Kind { get; init; }

    /// <summary>UTC.</summary>
    public required DateTime At { get; init; }

    /// <summary>The name that the app gave the session's device.</summary>
    public string? Device { get; init; }

    /// <summary>The client's address, truncated to its network (/24 or /48).</summary>
    public string? Network { get; init; }
}

sealed class SecurityEventConfiguration : IEntityTypeConfiguration<SecurityEvent>
{
    public void Configure(EntityTypeBuilder<SecurityEvent> builder)
    {
        builder.ToTable("security_events");
        builder.Property(e => e.Id).HasColumnName("id");
        builder.Property(e => e.UserId).HasColumnName("user_id");
        builder.Property(e => e.Kind).HasColumnName("kind");
        builder.Property(e => e.At).HasColumnName("at");
        builder.Property(e => e.Device).HasColumnName("device").HasMaxLength(Session.DeviceMaxLength);
        builder.Property(e => e.Network).HasColumnName("network").HasMaxLength(SecurityEvent.NetworkMaxLength);
        builder.HasIndex(e => new { e.UserId, e.At }).HasDatabaseName("ix_security_events_user_id_at");
        builder.HasIndex(e => e.At).HasDatabaseName("ix_security_events_at");
        builder.HasOne<User>().WithMany().HasForeignKey(e => e.UserId).OnDelete(DeleteBehavior.Cascade);
    }
}
