using System.Buffers.Text;
using System.Formats.Cbor;
using System.Security.Cryptography;
using Fido2NetLib;
using Fido2NetLib.Objects;
using Profiles.Data;

namespace Profiles.Infrastructure.Passkeys;

/// <summary>What an authenticator made.</summary>
/// <param name="CredentialId">Its id of the key.</param>
/// <param name="PublicKey">In COSE form.</param>
/// <param name="SignCount">Its counter.</param>
/// <param name="Aaguid">Its model.</param>
/// <param name="IsBackupEligible">Whether the key may be copied to other devices of the person.</param>
/// <param name="IsBackedUp">Whether it has been.</param>
sealed record NewPasskey(byte[] CredentialId, byte[] PublicKey, long SignCount, Guid Aaguid, bool IsBackupEligible, bool IsBackedUp);

/// <summary>What an authenticator signed at a login.</summary>
/// <param name="SignCount">Its counter.</param>
/// <param name="IsBackedUp">Whether other devices of the person have the passkey too.</param>
sealed record PasskeyUse(long SignCount, bool IsBackedUp);

/// <summary>
/// Verifies answers by WebAuthn Level 3, 7.1 and 7.2, but for the challenge and the counter, which the database decides. Each needs the
/// person's PIN, finger or face, so that a passkey is two factors.
/// </summary>
// The library is in the methods' bodies only, and these are synchronous, as their work is: a state machine with its types in the fields
// would load it at the start, for services without passkeys too.
sealed class PasskeyVerifier(RelyingParty party)
{
    /// <summary>
    /// Bytes of the authenticator's data: the longest id with an RSA key of 4096 bits. The library reads nested CBOR by recursion, whose
    /// depth this bounds.
    /// </summary>
    public const int DataMaxLength = 2048;

    // A valid key with which nobody can log in: an unknown passkey is refused after the same work.
    readonly Lazy<byte[]> nobody = new(() =>
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new CredentialPublicKey(key, COSE.Algorithm.ES256).GetBytes();
    });

    /// <summary>The accepted algorithms of COSE, the most common first: ES256, EdDSA and RS256.</summary>
    public static IReadOnlyList<int> Algorithms { get; } = [-7, -8, -257];

    /// <summary>Returns the new passkey; null when the answer is refused.</summary>
    public NewPasskey? Verify(PasskeyAnswer answer)
    {
        if (!IsAllowed(answer.Client) || WithoutStatement(answer.Data) is not { } attestation)
            return null;
        var raw = new AuthenticatorAttestationRawResponse
        {
            Id = Text(answer.CredentialId),
            RawId = answer.CredentialId,
            Type = PublicKeyCredentialType.PublicKey,
            Response = new() { AttestationObject = attestation, ClientDataJson = answer.ClientDataJson, Transports = [] },
        };
        var options = new CredentialCreateOptions
        {
            Rp = new(party.Id, party.Name),
            User = new(),
            Challenge = answer.Challenge,
            PubKeyCredParams = [.. Algorithms.Select(a => new PubKeyCredParam((COSE.Algorithm)a))],
            AuthenticatorSelection = new() { UserVerification = UserVerificationRequirement.Required },
        };
        return Try(() => AuthenticatorAttestationResponse.Parse(raw)
                .VerifyAsync(options, Configuration(answer.Client), (_, _) => Task.FromResult(true), null, null).GetAwaiter().GetResult())
            is { } made ? new(made.Id, made.PublicKey, made.SignCount, made.AaGuid, made.IsBackupEligible, made.IsBackedUp) : null;
    }

    /// <summary>Returns what was signed; null when the answer is refused.</summary>
    /// <param name="answer">The answer.</param>
    /// <param name="passkey">The stored passkey; null when there is none.</param>
    public PasskeyUse? Verify(PasskeyAnswer answer, Passkey? passkey)
    {
        if (!IsAllowed(answer.Client))
            return null;
        var raw = new AuthenticatorAssertionRawResponse
        {
            Id = Text(answer.CredentialId),
            RawId = answer.CredentialId,
            Type = PublicKeyCredentialType.PublicKey,
            Response = new()
            {
                AuthenticatorData = answer.Data,
                Signature = answer.Signature,
                ClientDataJson = answer.ClientDataJson,
                UserHandle = answer.UserHandle,
            },
        };
        var options = new AssertionOptions
        {
            RpId = party.Id,
            Challenge = answer.Challenge,
            UserVerification = UserVerificationRequirement.Required,
        };
        var data = Try(() =>
        {
            var assertion = AuthenticatorAssertionResponse.Parse(raw);
            // The database compares the counter: two logins at once must not both pass.
            assertion.VerifyAsync(options, Configuration(answer.Client), passkey?.PublicKey ?? nobody.Value,
                storedSignatureCounter: 0, (_, _) => Task.FromResult(true), null, null).GetAwaiter().GetResult();
            return assertion.AuthenticatorData;
        });
        return data is not null && passkey is not null && answer.UserHandle.AsSpan().SequenceEqual(passkey.UserHandle)
            && data.IsBackupEligible == passkey.IsBackupEligible ? new(data.SignCount, data.IsBackedUp) : null;
    }

    /// <summary>Whether this is a COSE key of an accepted algorithm.</summary>
    public static bool IsPublicKey(byte[] key) =>
        Try(() => new CredentialPublicKey(key)) is { } read
            && Algorithms.Any(a => read.IsSameAlg((COSE.Algorithm)a));

    // Exactly as it is written, where the library would compare addresses.
    bool IsAllowed(ClientData client) => client.Origin is { } origin && party.Allows(origin);

    Fido2Configuration Configuration(ClientData allowed) =>
        new() { RPID = party.Id, RPName = party.Name, Origins = new HashSet<string> { allowed.Origin! } };

    // What the maker says of the authenticator was not asked for and decides nothing; platforms send it now and then.
    static byte[]? WithoutStatement(byte[] attestation)
    {
        try
        {
            var (reader, data) = (new CborReader(attestation, CborConformanceMode.Strict), (byte[]?)null);
            reader.ReadStartMap();
            while (reader.PeekState() != CborReaderState.EndMap)
            {
                if (reader.ReadTextString() == "authData")
                    data = reader.ReadByteString();
                else
                    reader.SkipValue();
            }
            if (data is null or { Length: > DataMaxLength })
                return null;
            var writer = new CborWriter();
            writer.WriteStartMap(3);
            writer.WriteTextString("fmt");
            writer.WriteTextString("none");
            writer.WriteTextString("attStmt");
            writer.WriteStartMap(0);
            writer.WriteEndMap();
            writer.WriteTextString("authData");
            writer.WriteByteString(data);
            writer.WriteEndMap();
            return writer.Encode();
        }
        catch (Exception e) when (e is CborContentException or InvalidOperationException)
        {
            return null;
        }
    }

    static T? Try<T>(Func<T> verify) where T : class
    {
        try
        {
            return verify();
        }
        catch (Exception e) when (e is not (TypeLoadException or TypeInitializationException))
        {
            // A refusal is a Fido2VerificationException, but malformed input ends in a dozen others. A missing native library does not.
            return null;
        }
    }

    static string Text(byte[] bytes) => Base64Url.EncodeToString(bytes);
}
