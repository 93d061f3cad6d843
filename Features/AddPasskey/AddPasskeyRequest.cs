using Profiles.Infrastructure.Passkeys;

namespace Profiles.Features.AddPasskey;

/// <param name="Credential">What the platform's call made, as it is.</param>
/// <param name="Name">A name for the list of passkeys, such as the device's; `Passkey` when none is sent.</param>
sealed record AddPasskeyRequest(AttestationCredentialRequest Credential, string? Name = null);
