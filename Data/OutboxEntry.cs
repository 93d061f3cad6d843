using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Profiles.Data;

/// <summary>The store that an <see cref="OutboxEntry"/> is for.</summary>
enum OutboxStore
{
    LocalImages = 1,
    Cloudinary = 2,

    /// <summary>The mail server, or the directory of mails.</summary>
    Mail = 3,

    /// <summary>The webhook endpoint that the key names.</summary>
    Webhook = 4,

    /// <summary>A bucket of an S3-compatible service.</summary>
    S3 = 5,

    /// <summary>Apple, which exchanges and revokes tokens.</summary>
    Apple = 6,
}

/// <summary>The kinds of mails. The numbers are in the database.</summary>
enum MailKind
{
    /// <summary>To the address of an account: a link that verifies it.</summary>
    VerifyEmail = 1,

    /// <summary>To the address that is to replace the present one: a link that verifies it.</summary>
    VerifyNewEmail = 2,

    /// <summary>To the present address: another is to replace it.</summary>
    EmailChangeRequested = 3,

    /// <summary>To an address, with or without an account: a link to set a new password when there is one.</summary>
    ResetPassword = 4,

    /// <summary>To the owner of an account: somebody tried to register its address, or to change to it.</summary>
    AlreadyRegistered = 5,

    /// <summary>To the owner: the password was changed.</summary>
    PasswordChanged = 6,

    /// <summary>
    /// To an address that somebody registers, where addresses must be verified: a link that creates the account, or word that there is one.
    /// </summary>
    ConfirmRegistration = 7,

    /// <summary>To the previous address: it was replaced.</summary>
    EmailChanged = 8,

    /// <summary>To an address, with or without an account: six digits to log in or to register.</summary>
    LoginCode = 9,

    /// <summary>To the owner: a second factor was added, removed or reset, or a recovery code was used.</summary>
    SecondFactorChanged = 10,

    /// <summary>To the owner: a passkey, or an account of Apple, Google or the like, was added or removed.</summary>
    WayInChanged = 11,
}

/// <summary>The progress of an <see cref="OutboxEntry"/>.</summary>
enum OutboxState
{
    /// <summary>An image is being stored and no profile names it yet. The upload moves this on; otherwise the image is abandoned.</summary>
    Storing = 1,

    /// <summary>The profile names the image now, or no longer does; the store has to follow.</summary>
    Settling = 2,

    /// <summary>The store may have been asked to delete it.</summary>
    Removing = 3,

    /// <summary>As <see cref="Removing"/>, for an image whose upload may still be running: that it is absent now is not final.</summary>
    Abandoned = 4,

    /// <summary>A webhook that was not accepted for three days; it waits for the operator until it is due, and then expires.</summary>
    Dead = 5,
}

/// <summary>
/// Work for another store, recorded in the transaction that causes it; the row is deleted when the work is done. The background service
/// picks it up when it is due, and each attempt first postpones that time.
/// </summary>
sealed class OutboxEntry
{
    /// <summary>The longest key is an e-mail address.</summary>
    public const int KeyMaxLength = User.EmailMaxLength;

    public const int PayloadMaxLength = 2000;

    public const int FailureMaxLength = 100;

    public long Id { get; init; }

    public required OutboxStore Store { get; init; }

    public required OutboxState State { get; set; }

    /// <summary>The user of the image or mail, who may be deleted. 0 where the user is not known yet.</summary>
    public required long UserId { get; init; }

    /// <summary>Null for an image.</summary>
    public MailKind? Mail { get; init; }

    /// <summary>
    /// The image's key in its store, the name of a webhook endpoint, or the address of a mail. An address is normalized where
    /// <see cref="UserId"/> is 0; the mail then goes to the address as it is stored when it is sent.
    /// </summary>
    public required string Key { get; init; }

    /// <summary>The network of the client that asked for the mail, truncated (/24 or /48); null where no event needs it.</summary>
    public string? Network { get; init; }

    /// <summary>
    /// The id of a webhook's message, a dot and its body; what Apple is told; for a mail the locale that its request asked for, what was
    /// changed, the provider of a changed identity and the hash of the request's token, separated by blanks. Null for all else.
    /// </summary>
    public string? Payload { get; init; }

    /// <summary>Why the latest attempt to send a webhook failed, without anything that the receiver answered; null for all else.</summary>
    public string? Failure { get; init; }

    /// <summary>UTC.</summary>
    public required DateTime CreatedAt { get; init; }

    /// <summary>When it is tried next, UTC.</summary>
    public required DateTime DueAt { get; set; }

    /// <summary>Failed attempts.</summary>
    public int Attempts { get; set; }

    /// <summary>Its name in the log, which must not contain a mail's address.</summary>
    public string LogName => Mail is null ? Key : $"{Mail} {Id}";
}

sealed class OutboxEntryConfiguration : IEntityTypeConfiguration<OutboxEntry>
{
    public void Configure(EntityTypeBuilder<OutboxEntry> builder)
    {
        builder.ToTable("outbox");
        builder.Property(e => e.Id).HasColumnName("id");
        builder.Property(e => e.Store).HasColumnName("store");
        builder.Property(e => e.State).HasColumnName("state");
        builder.Property(e => e.UserId).HasColumnName("user_id");
        builder.Property(e => e.Mail).HasColumnName("mail");
        builder.Property(e => e.Key).HasColumnName("key").HasMaxLength(OutboxEntry.KeyMaxLength);
        builder.Property(e => e.Network).HasColumnName("network").HasMaxLength(SecurityEvent.NetworkMaxLength);
        builder.Property(e => e.Payload).HasColumnName("payload").HasMaxLength(OutboxEntry.PayloadMaxLength);
        builder.Property(e => e.Failure).HasColumnName("failure").HasMaxLength(OutboxEntry.FailureMaxLength);
        builder.Property(e => e.CreatedAt).HasColumnName("created_at");
        builder.Property(e => e.DueAt).HasColumnName("due_at");
        builder.Property(e => e.Attempts).HasColumnName("attempts");
        builder.HasIndex(e => e.UserId).HasDatabaseName("ix_outbox_user_id");
        builder.HasIndex(e => new { e.Store, e.DueAt }).HasDatabaseName("ix_outbox_store_due_at");
        // Of webhooks, whose endpoints do not wait for each other.
        builder.HasIndex(e => new { e.Store, e.Key, e.DueAt }).HasDatabaseName("ix_outbox_store_key_due_at")
            .HasFilter("payload IS NOT NULL");
    }
}
