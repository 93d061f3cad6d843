using Profiles.Data;
using Profiles.Infrastructure.Passkeys;
using Profiles.Infrastructure.Validation;

namespace Profiles.Infrastructure.Importing;

/// <summary>A passkey of another service of the same domain (docs/import.md). Bytes are in base64url.</summary>
sealed record ImportPasskey
{
    public string? CredentialId { get; init; }

    /// <summary>In COSE form.</summary>
    public string? PublicKey { get; init; }

    public string? UserHandle { get; init; }

    public bool? BackupEligible { get; init; }

    public bool BackedUp { get; init; }

    public uint SignCount { get; init; }

    public Guid Aaguid { get; init; }

    public IReadOnlyList<string?>? Transports { get; init; }

    public string? Name { get; init; }

    public DateTime? CreatedAt { get; init; }

    /// <summary>The passkey of a user; null when it is malformed.</summary>
    public Passkey? ToPasskey(long userId, DateTime registered)
    {
        var key = PasskeyAnswer.Bytes(PublicKey, Passkey.PublicKeyMaxLength);
        return PasskeyAnswer.Bytes(CredentialId, Passkey.CredentialIdMaxLength) is { } credential && key is not null
            && PasskeyAnswer.Bytes(UserHandle, Passkey.UserHandleMaxLength) is { } handle && PasskeyVerifier.IsPublicKey(key)
            && BackupEligible is { } isEligible && (isEligible || !BackedUp) && (Name is null || ProfileRules.IsPersonName(Name))
            ? new()
            {
                UserId = userId,
                CredentialId = credential,
                UserHandle = handle,
                PublicKey = key,
                SignCount = SignCount,
                Aaguid = Aaguid,
                Transports = PasskeyAnswer.Known(Transports),
                IsBackupEligible = isEligible,
                IsBackedUp = BackedUp,
                Name = Name?.Trim() ?? Passkey.DefaultName,
                CreatedAt = ImportLine.ToUtc(CreatedAt) ?? registered,
            }
            : null;
    }
}
