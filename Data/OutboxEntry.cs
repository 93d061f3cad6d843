using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Profiles.Data;

/// <summary>Which other store an <see cref="OutboxEntry"/> is about.</summary>
enum OutboxStore
{
    LocalImages = 1,
    Cloudinary = 2,

    /// <summary>The mail server, or the directory of mails.</summary>
    Mail = 3,
}

/// <summary>What a mail says. The numbers are in the database.</summary>
enum MailKind
{
    /// <summary>To the address of an account: a link that shows that it is the person's.</summary>
    VerifyEmail = 1,

    /// <summary>To the address that is to replace the present one: the same.</summary>
    VerifyNewEmail = 2,

    /// <summary>To the address in force: another is to replace it.</summary>
    EmailChangeRequested = 3,

    /// <summary>To an address, whether it has an account or not: a link to set a new password, when it has.</summary>
    ResetPassword = 4,

    /// <summary>To the owner of an account: somebody tried to register with the address, or to change to it.</summary>
    AlreadyRegistered = 5,

    /// <summary>To the owner: the password was changed.</summary>
    PasswordChanged = 6,

    /// <summary>To an address that somebody registers where addresses must be verified: a link that makes the account, or word that there is one.</summary>
    ConfirmRegistration = 7,

    /// <summary>To the address that was in force before: another is now.</summary>
    EmailChanged = 8,
}

/// <summary>How far the matter of an <see cref="OutboxEntry"/> has got.</summary>
enum OutboxState
{
    /// <summary>A picture is being stored and no profile names it yet; whoever stores it moves this on, or it is abandoned.</summary>
    Storing = 1,

    /// <summary>The row has changed to name the picture or to name it no more: the store has to agree.</summary>
    Settling = 2,

    /// <summary>The store may have been told to remove it.</summary>
    Removing = 3,

    /// <summary>As <see cref="Removing"/>, of a picture whose storing may not have ended: not to find it now does not mean that it will not come.</summary>
    Abandoned = 4,
}

/// <summary>
/// What has to be done in another store because of what happened in the database, recorded in the same transaction; done when the row is gone.
/// The background service takes it up when it is due: whoever works on it has set that ahead.
/// </summary>
sealed class OutboxEntry
{
    /// <summary>An address is the longest of the keys.</summary>
    public const int KeyMaxLength = User.EmailMaxLength;

    public long Id { get; init; }

    public required OutboxStore Store { get; init; }

    public required OutboxState State { get; set; }

    /// <summary>Whose picture or mail; the user may be gone. 0 where it is not known yet.</summary>
    public required long UserId { get; init; }

    /// <summary>Which mail it is; null for a picture.</summary>
    public MailKind? Mail { get; init; }

    /// <summary>
    /// What the store knows the picture by; the address of a mail, normalized where <see cref="UserId"/> is 0: the mail goes to the address as it is stored then.
    /// </summary>
    public required string Key { get; init; }

    /// <summary>Of who asked for the mail, truncated to the network (/24 or /48); null where no event needs it.</summary>
    public string? Network { get; init; }

    /// <summary>UTC.</summary>
    public required DateTime CreatedAt { get; init; }

    /// <summary>When it is taken up next, UTC.</summary>
    public required DateTime DueAt { get; set; }

    /// <summary>How often it failed.</summary>
    public int Attempts { get; set; }

    /// <summary>What the log calls it: a mail's key is an address, which has no place there.</summary>
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
        builder.Property(e => e.CreatedAt).HasColumnName("created_at");
        builder.Property(e => e.DueAt).HasColumnName("due_at");
        builder.Property(e => e.Attempts).HasColumnName("attempts");
        builder.HasIndex(e => e.DueAt).HasDatabaseName("ix_outbox_due_at");
        builder.HasIndex(e => e.UserId).HasDatabaseName("ix_outbox_user_id");
    }
}
