using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Profiles.Data;

/// <summary>What a <see cref="MailCode"/> authorises. The numbers are in the database.</summary>
enum MailCodePurpose
{
    Login = 1,
    VerifyEmail = 2,
    ResetPassword = 3,
}

/// <summary>The six digits of a mail. Using them deletes the row; so few digits are bound to few tries.</summary>
sealed class MailCode
{
    public const int Digits = 6;

    /// <summary>More than a person needs, and a chance of one in 200,000.</summary>
    public const int MostTries = 5;

    /// <summary>Bytes of <see cref="Nonce"/>.</summary>
    public const int NonceLength = 32;

    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(10);

    public long Id { get; init; }

    public required MailCodePurpose Purpose { get; init; }

    /// <summary>
    /// SHA-256 of the token of the request that asked for the digits, which must come with them; unique.
    /// </summary>
    public required byte[] RequestHash { get; init; }

    /// <summary>The normalized address that the mail goes to, with an account or without.</summary>
    public required string NormalizedEmail { get; init; }

    /// <summary>Random bytes that the service's secret turns into the digits; null until the mail is written.</summary>
    public byte[]? Nonce { get; init; }

    /// <summary>How often digits were tried, at most <see cref="MostTries"/>.</summary>
    public int Tries { get; init; }

    /// <summary>UTC.</summary>
    public required DateTime ExpiresAt { get; init; }

    /// <summary>Reads digits as people type them: with blanks, in the digits of their script. Null when they are not six.</summary>
    public static string? Read(string text)
    {
        var digits = text.Where(c => !char.IsWhiteSpace(c)).Select(CharUnicodeInfo.GetDecimalDigitValue).ToArray();
        return digits.Length == Digits && !digits.Contains(-1) ? string.Concat(digits) : null;
    }
}

sealed class MailCodeConfiguration : IEntityTypeConfiguration<MailCode>
{
    public void Configure(EntityTypeBuilder<MailCode> builder)
    {
        builder.ToTable("mail_codes");
        builder.Property(c => c.Id).HasColumnName("id");
        builder.Property(c => c.Purpose).HasColumnName("purpose");
        builder.Property(c => c.RequestHash).HasColumnName("request_hash").HasMaxLength(Session.HashLength);
        builder.Property(c => c.NormalizedEmail).HasColumnName("normalized_email").HasMaxLength(User.EmailMaxLength);
        builder.Property(c => c.Nonce).HasColumnName("nonce").HasMaxLength(MailCode.NonceLength);
        builder.Property(c => c.Tries).HasColumnName("tries");
        builder.Property(c => c.ExpiresAt).HasColumnName("expires_at");
        builder.HasIndex(c => c.RequestHash).IsUnique().HasDatabaseName("ux_mail_codes_request_hash");
        builder.HasIndex(c => c.NormalizedEmail).HasDatabaseName("ix_mail_codes_normalized_email");
        builder.HasIndex(c => c.ExpiresAt).HasDatabaseName("ix_mail_codes_expires_at");
    }
}
