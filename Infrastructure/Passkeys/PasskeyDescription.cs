using System.ComponentModel.DataAnnotations;
using Profiles.Data;

namespace Profiles.Infrastructure.Passkeys;

/// <summary>A passkey as its owner sees it.</summary>
/// <param name="Id">The passkey's id here.</param>
/// <param name="Name">The name that the person gave it.</param>
/// <param name="Aaguid">The authenticator's model, for a list of names and icons; all zero where it does not say.</param>
/// <param name="Transports">How a client may reach the authenticator, such as `internal` and `hybrid`.</param>
/// <param name="BackedUp">Whether other devices of the person have it too.</param>
/// <param name="CreatedAt">When it was added.</param>
/// <param name="LastUsedAt">The last login with it; null until the first.</param>
sealed record PasskeyDescription(
    [property: Range(1, double.MaxValue)] long Id,
    [property: MaxLength(Passkey.NameMaxLength)] string Name,
    Guid Aaguid,
    IReadOnlyList<string> Transports,
    bool BackedUp,
    DateTime CreatedAt,
    DateTime? LastUsedAt)
{
    public static readonly PasskeyDescription Example = new(
        1, "John's phone", new("fbfc3007-154e-4ecc-8c0b-6e020557d7bd"), ["internal", "hybrid"], true,
        new(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc), new(2026, 2, 3, 4, 5, 6, DateTimeKind.Utc));

    public static PasskeyDescription Of(Passkey passkey) => new(
        passkey.Id, passkey.Name, passkey.Aaguid, passkey.Transports.Split(' ', StringSplitOptions.RemoveEmptyEntries), passkey.IsBackedUp,
        passkey.CreatedAt, passkey.LastUsedAt);
}
