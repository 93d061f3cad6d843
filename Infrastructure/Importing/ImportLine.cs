using Profiles.Data;
using Profiles.Infrastructure.Editing;

namespace Profiles.Infrastructure.Importing;

/// <summary>An account of the person at Apple, Google or another issuer.</summary>
sealed record ImportIdentity(string? Provider, string? Subject, string? Email = null);

/// <summary>
/// A user in a file of JSON lines (docs/import.md): the fields of a profile, under the rules of registration and of changes, and these.
/// </summary>
sealed record ImportLine : ProfileFields
{
    /// <summary>The user's id in the other service.</summary>
    public string? ExternalId { get; init; }

    public bool? EmailVerified { get; init; }

    public DateTime? EmailVerifiedAt { get; init; }

    public DateTime? CreatedAt { get; init; }

    public bool? Disabled { get; init; }

    public string? PasswordHash { get; init; }

    /// <summary>Only beside Firebase's hashes.</summary>
    public string? PasswordSalt { get; init; }

    public string? PasswordAlgorithm { get; init; }

    public IReadOnlyList<ImportIdentity>? Identities { get; init; }

    public IReadOnlyList<ImportPasskey?>? Passkeys { get; init; }

    /// <summary>Of an authenticator app, in Base32.</summary>
    public string? TotpSecret { get; init; }

    /// <summary>Returns the new user, with the hash in the form that is stored.</summary>
    public User ToUser(string hash, DateTime now)
    {
        var isVerified = EmailVerified ?? EmailVerifiedAt is not null;
        var user = new User
        {
            Email = Email.Value!.Trim(),
            NormalizedEmail = User.Normalize(Email.Value),
            ExternalId = ExternalId,
            PasswordHash = hash,
            EmailVerifiedAt = isVerified ? ToUtc(EmailVerifiedAt) ?? now : null,
            DisabledAt = Disabled is true ? now : null,
            CreatedAt = ToUtc(CreatedAt) ?? now,
            Profile = new() { Name = "" },
        };
        ApplyTo(user);
        user.Profile.Metadata = Metadata.Or((string?)null, MetadataText.Write);
        return user;
    }

    /// <summary>Without a time zone it is UTC.</summary>
    public static DateTime? ToUtc(DateTime? time) => time is { Kind: DateTimeKind.Unspecified } unspecified
        ? DateTime.SpecifyKind(unspecified, DateTimeKind.Utc) : time?.ToUniversalTime();
}
