using System.Buffers;
using System.Buffers.Text;
using System.Text.Json;
using Profiles.Data;
using Profiles.Infrastructure.Sessions;

namespace Profiles.Infrastructure.Passkeys;

/// <summary>A platform's answer, decoded and bounded; nothing in it is verified.</summary>
/// <param name="CredentialId">The passkey's id.</param>
/// <param name="ClientDataJson">The client's data as it was hashed.</param>
/// <param name="Client">The same, read.</param>
/// <param name="Challenge">What the client says that it answers.</param>
/// <param name="Data">The attestation object or the authenticator's data.</param>
/// <param name="Signature">Empty at a registration.</param>
/// <param name="UserHandle">Empty at a registration.</param>
sealed record PasskeyAnswer(
    byte[] CredentialId, byte[] ClientDataJson, ClientData Client, byte[] Challenge, byte[] Data, byte[] Signature, byte[] UserHandle)
{
    /// <summary>Base64url without padding.</summary>
    public const string Form = "^[A-Za-z0-9_-]+$";

    /// <summary>The longest id in base64url.</summary>
    public const int IdMaxLength = (Passkey.CredentialIdMaxLength * 4 / 3) + 1;

    public const int MostTransports = 20;

    // Browsers send some 200 bytes.
    const int ClientDataMaxLength = 4096;

    // The certificates of a statement, which is not read.
    const int AttestationMaxLength = 16 * 1024;

    // RSA of 4096 bits.
    const int SignatureMaxLength = 512;

    static readonly SearchValues<char> Alphabet =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    static readonly string[] Transports = ["usb", "nfc", "ble", "smart-card", "hybrid", "internal"];

    static readonly JsonSerializerOptions Json =
        new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase, AllowDuplicateProperties = false, MaxDepth = 16 };

    /// <summary>Null when it is malformed.</summary>
    public static PasskeyAnswer? Of(AttestationCredentialRequest? answer) =>
        answer is { Type: "public-key", Response: { } response } && answer.Id == answer.RawId
            ? Of(answer.Id, response.ClientDataJson, Bytes(response.AttestationObject, AttestationMaxLength), [], []) : null;

    /// <summary>Null when it is malformed.</summary>
    public static PasskeyAnswer? Of(AssertionCredentialRequest? answer) =>
        answer is { Type: "public-key", Response: { } response } && answer.Id == answer.RawId
            ? Of(answer.Id, response.ClientDataJson, Bytes(response.AuthenticatorData, PasskeyVerifier.DataMaxLength),
                Bytes(response.Signature, SignatureMaxLength), Bytes(response.UserHandle, Passkey.UserHandleMaxLength))
            : null;

    /// <summary>The known transports, as they are stored: clients could make no use of others.</summary>
    public static string Known(IReadOnlyList<string?>? transports) =>
        string.Join(' ', Transports.Where(t => transports?.Contains(t) is true));

    static PasskeyAnswer? Of(string id, string clientData, byte[]? data, byte[]? signature, byte[]? userHandle) =>
        Bytes(id, Passkey.CredentialIdMaxLength) is { } credential && Bytes(clientData, ClientDataMaxLength) is { } client
            && Read(client) is { } read && Bytes(read.Challenge, Challenges.SecretBytes) is { } challenge
            && data is not null && signature is not null && userHandle is not null
            ? new(credential, client, read, challenge, data, signature, userHandle) : null;

    static ClientData? Read(byte[] json)
    {
        try
        {
            return JsonSerializer.Deserialize<ClientData>(json, Json);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Decodes base64url, which .NET would also take with blanks and padding; null for anything else, empty or too long.</summary>
    public static byte[]? Bytes(string? text, int maxLength) =>
        text is { Length: > 0 } && text.Length <= Base64Url.GetEncodedLength(maxLength) && !text.AsSpan().ContainsAnyExcept(Alphabet)
            && Base64Url.IsValid(text) ? Base64Url.DecodeFromChars(text) : null;
}

/// <summary>What the library does not decide of the client's part of an answer (WebAuthn Level 3, 5.8.1).</summary>
sealed record ClientData(string? Challenge, string? Origin);
