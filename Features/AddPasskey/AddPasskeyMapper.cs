using Profiles.Data;
using Profiles.Infrastructure.Passkeys;

namespace Profiles.Features.AddPasskey;

static class AddPasskeyMapper
{
    public static Passkey ToEntity(
        AddPasskeyRequest req, NewPasskey made, long userId, string handle, DateTime now) => new()
        {
            UserId = userId,
            CredentialId = made.CredentialId,
            UserHandle = Convert.FromHexString(handle),
            PublicKey = made.PublicKey,
            SignCount = made.SignCount,
            Aaguid = made.Aaguid,
            Transports = PasskeyAnswer.Known(req.Credential.Response.Transports),
            IsBackupEligible = made.IsBackupEligible,
            IsBackedUp = made.IsBackedUp,
            Name = req.Name?.Trim() ?? Passkey.DefaultName,
            CreatedAt = ProfilesDbContext.ToStored(now),
        };
}
