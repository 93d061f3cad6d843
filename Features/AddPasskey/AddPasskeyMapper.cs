using Fido2NetLib.Objects;
using Profiles.Data;

namespace Profiles.Features.AddPasskey;

static class AddPasskeyMapper
{
    // A platform may know others, of which no client could make use.
    static readonly string[] Transports = ["usb", "nfc", "ble", "smart-card", "hybrid", "internal"];

    public static Passkey ToEntity(
        AddPasskeyRequest req, RegisteredPublicKeyCredential made, long userId, string handle, DateTime now) => new()
        {
            UserId = userId,
            CredentialId = made.Id,
            UserHandle = Convert.FromHexString(handle),
            PublicKey = made.PublicKey,
            SignCount = made.SignCount,
            Aaguid = made.AaGuid,
            Transports = string.Join(' ', Transports.Where(t => req.Credential.Response.Transports?.Contains(t) is true)),
            IsBackupEligible = made.IsBackupEligible,
            IsBackedUp = made.IsBackedUp,
            Name = req.Name?.Trim() ?? "Passkey",
            CreatedAt = now,
        };
}
