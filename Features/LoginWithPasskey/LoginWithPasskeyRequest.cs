using Profiles.Infrastructure.Passkeys;

namespace Profiles.Features.LoginWithPasskey;

/// <param name="Credential">What the platform's call signed, as it is.</param>
/// <param name="Device">The device's name for the list of sessions; surrounding spaces are trimmed.</param>
sealed record LoginWithPasskeyRequest(AssertionCredentialRequest Credential, string? Device = null);
