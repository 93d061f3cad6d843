using System.Data.Common;

namespace Profiles.Data;

/// <summary>A user with the profile, and the name that the app gave the session's device.</summary>
sealed record SessionUser(User User, string? Device)
{
    /// <summary>
    /// Reads the user ($1) of a session ($2), with every column, since slices change what was read; nothing while the account is disabled.
    /// Without EF Core, because every request with a token begins with it.
    /// </summary>
    public const string Query =
        """
        SELECT u.id, u.email, u.normalized_email, u.password_hash, u.email_verified_at, u.pending_email, u.pending_session_id, u.created_at,
            p.name, p.username, p.bio, p.phone, p.birth_date, p.locale, p.time_zone, p.metadata, p.is_public, p.version, p.updated_at,
            p.image_key, p.image_url, p.image_width, p.image_height, p.image_bytes, p.image_thumbhash, p.image_dominant_color,
            p.image_updated_at, s.device, u.external_id, u.guest_since
        FROM sessions s JOIN users u ON u.id = s.user_id JOIN user_profiles p ON p.user_id = u.id
        WHERE s.id = $2 AND s.user_id = $1 AND u.disabled_at IS NULL
        """;

    /// <summary>Reads a row of <see cref="Query"/> of either database.</summary>
    public static SessionUser Of(DbDataReader row) => new(
        new()
        {
            Id = row.GetInt64(0),
            Email = Text(row, 1),
            NormalizedEmail = Text(row, 2),
            PasswordHash = row.GetString(3),
            EmailVerifiedAt = row.IsDBNull(4) ? null : Time(row, 4),
            PendingEmail = Text(row, 5),
            PendingSessionId = row.IsDBNull(6) ? null : row.GetInt64(6),
            CreatedAt = Time(row, 7),
            ExternalId = Text(row, 28),
            GuestSince = row.IsDBNull(29) ? null : Time(row, 29),
            Profile = ProfileOf(row),
        },
        Text(row, 27));

    static UserProfile ProfileOf(DbDataReader row) => new UserProfile
    {
        UserId = row.GetInt64(0),
        Name = row.GetString(8),
        Username = Text(row, 9),
        Bio = Text(row, 10),
        Phone = Text(row, 11),
        BirthDate = row.IsDBNull(12) ? null : row.GetFieldValue<DateOnly>(12),
        Locale = Text(row, 13),
        TimeZone = Text(row, 14),
        Metadata = Text(row, 15),
        IsPublic = row.GetBoolean(16),
        // An early version, which may still run beside this one, writes an image's address without its size.
        Image = row.IsDBNull(19) || row.IsDBNull(21) ? null : ImageOf(row),
    }.AsStored(row.GetInt32(17), Time(row, 18));

    static ProfileImage ImageOf(DbDataReader row) => new()
    {
        Key = row.GetString(19),
        Url = row.GetString(20),
        Width = row.GetInt32(21),
        Height = row.GetInt32(22),
        Bytes = row.GetInt32(23),
        Thumbhash = row.GetString(24),
        DominantColor = row.GetString(25),
        UpdatedAt = Time(row, 26),
    };

    static string? Text(DbDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    // SQLite's text has no time zone.
    static DateTime Time(DbDataReader row, int column) => DateTime.SpecifyKind(row.GetDateTime(column), DateTimeKind.Utc);
}
