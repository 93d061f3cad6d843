using System.Buffers.Text;
using Profiles.Data;
using Profiles.Infrastructure.Passkeys;

namespace Profiles.Features.StartPasskeyRegistration;

static class StartPasskeyRegistrationMapper
{
    public static StartPasskeyRegistrationResponse ToResponse(
        RelyingParty party, User user, byte[] handle, byte[] challenge, IEnumerable<Passkey> passkeys) => new(
        new(party.Id, party.Name),
        new(Base64Url.EncodeToString(handle), user.Email ?? NameOr(user, party.Name), NameOr(user, user.Email ?? party.Name)),
        Base64Url.EncodeToString(challenge),
        [.. PasskeyVerifier.Algorithms.Select(a => new StartPasskeyRegistrationKey("public-key", a))],
        (int)Challenge.Lifetime.TotalMilliseconds,
        [.. passkeys.Select(p => new StartPasskeyRegistrationCredential(
            "public-key", Base64Url.EncodeToString(p.CredentialId), p.Transports.Split(' ', StringSplitOptions.RemoveEmptyEntries)))],
        new("required", RequireResidentKey: true, "required"), "none");

    static string NameOr(User user, string other) => user.Profile.Name.Length > 0 ? user.Profile.Name : other;
}
