using System.Buffers.Binary;
using System.Buffers.Text;
using System.Formats.Cbor;
using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using NSec.Cryptography;

namespace Profiles.Tests;

/// <summary>
/// An authenticator with its browser, in software: it makes passkeys and signs logins as WebAuthn Level 3 says, unless a test makes it lie.
/// </summary>
sealed class SoftAuthenticator : IDisposable
{
    public const string RegistrationPath = "/passkeys/registration/verify", LoginPath = "/passkeys/authentication/verify";

    /// <summary>The bits of the authenticator's data.</summary>
    public const int UserPresent = 1, UserVerified = 4, BackupEligible = 8, BackedUp = 16, HasKey = 64, HasExtensions = 128;

    /// <summary>Algorithms of COSE.</summary>
    public const int ES256 = -7, EdDSA = -8, ES384 = -35, RS256 = -257;

    readonly ECDsa? elliptic;
    readonly RSA? rsa;
    readonly Key? edwards;

    public SoftAuthenticator(int algorithm = ES256)
    {
        Algorithm = algorithm;
        if (algorithm is ES256 or ES384)
            elliptic = ECDsa.Create(algorithm == ES256 ? ECCurve.NamedCurves.nistP256 : ECCurve.NamedCurves.nistP384);
        else if (algorithm == RS256)
            rsa = RSA.Create(2048);
        else
            edwards = Key.Create(SignatureAlgorithm.Ed25519);
    }

    public int Algorithm { get; }

    public byte[] CredentialId { get; set; } = RandomNumberGenerator.GetBytes(20);

    /// <summary>Whose passkey it holds; the options say it.</summary>
    public byte[] UserHandle { get; set; } = [];

    public Guid Aaguid { get; set; }

    public int Flags { get; set; } = UserPresent | UserVerified | BackupEligible | BackedUp;

    public uint Counter { get; set; }

    public string Origin { get; set; } = ProfilesFixture.BaseUrl;

    public string RelyingPartyId { get; set; } = new Uri(ProfilesFixture.BaseUrl).Host;

    public string? Type { get; set; }

    public string? Challenge { get; set; }

    public string Format { get; set; } = "none";

    /// <summary>Further members of the client's data.</summary>
    public JsonObject ClientData { get; set; } = [];

    /// <summary>CBOR after the authenticator's data.</summary>
    public byte[] Extensions { get; set; } = [];

    /// <summary>Changes what was signed.</summary>
    public Func<byte[], byte[]> Signature { get; set; } = s => s;

    /// <summary>The body of <c>POST /passkeys/registration/verify</c>, made of its options.</summary>
    public JsonObject Create(JsonElement options, string? name = null)
    {
        UserHandle = Base64Url.DecodeFromChars(options.GetProperty("user").GetProperty("id").GetString());
        var attestation = new CborWriter();
        attestation.WriteStartMap(3);
        attestation.WriteTextString("fmt");
        attestation.WriteTextString(Format);
        attestation.WriteTextString("attStmt");
        attestation.WriteStartMap(0);
        attestation.WriteEndMap();
        attestation.WriteTextString("authData");
        attestation.WriteByteString([.. Data(Flags | HasKey), .. AttestedKey(), .. Extensions]);
        attestation.WriteEndMap();
        var response = new JsonObject
        {
            ["clientDataJSON"] = Base64Url.EncodeToString(Client(options, "webauthn.create")),
            ["attestationObject"] = Base64Url.EncodeToString(attestation.Encode()),
            // What browsers send beside it, and a transport that the service does not know.
            ["transports"] = new JsonArray("internal", "hybrid", "telepathy"),
            ["publicKeyAlgorithm"] = Algorithm,
        };
        return Body(response, name is null ? [] : new() { ["name"] = name });
    }

    /// <summary>The body of <c>POST /passkeys/authentication/verify</c>, signed for its options.</summary>
    public JsonObject Get(JsonElement options, string? device = null)
    {
        byte[] client = Client(options, "webauthn.get"), data = [.. Data(Flags), .. Extensions];
        var response = new JsonObject
        {
            ["clientDataJSON"] = Base64Url.EncodeToString(client),
            ["authenticatorData"] = Base64Url.EncodeToString(data),
            ["signature"] = Base64Url.EncodeToString(Signature(Sign([.. data, .. SHA256.HashData(client)]))),
            ["userHandle"] = Base64Url.EncodeToString(UserHandle),
        };
        return Body(response, device is null ? [] : new() { ["device"] = device });
    }

    /// <summary>Asks for options and answers them.</summary>
    public async Task<HttpResponseMessage> RegisterAsync(HttpClient client, string? name = null) =>
        await client.PostAsJsonAsync(RegistrationPath, Create(await OptionsAsync(client, "registration"), name));

    /// <summary>Asks for options and answers them.</summary>
    public async Task<HttpResponseMessage> LogInAsync(HttpClient client, string? device = null) =>
        await client.PostAsJsonAsync(LoginPath, Get(await OptionsAsync(client, "authentication"), device));

    public static async Task<JsonElement> OptionsAsync(HttpClient client, string ceremony) =>
        await (await client.PostAsync($"/passkeys/{ceremony}/options", null)).ShouldBeAsync(HttpStatusCode.OK);

    public void Dispose()
    {
        elliptic?.Dispose();
        rsa?.Dispose();
        edwards?.Dispose();
    }

    /// <summary>The public key in COSE form (RFC 9053).</summary>
    public byte[] PublicKey()
    {
        var key = new CborWriter();
        (int Label, object Value)[] members = elliptic?.ExportParameters(false) is { } point
            ? [(1, 2), (3, Algorithm), (-1, Algorithm == ES256 ? 1 : 2), (-2, point.Q.X!), (-3, point.Q.Y!)]
            : rsa?.ExportParameters(false) is { } modulus
                ? [(1, 3), (3, Algorithm), (-1, modulus.Modulus!), (-2, modulus.Exponent!)]
                : [(1, 1), (3, Algorithm), (-1, 6), (-2, edwards!.PublicKey.Export(KeyBlobFormat.RawPublicKey))];
        key.WriteStartMap(members.Length);
        foreach (var (label, value) in members)
        {
            key.WriteInt32(label);
            if (value is byte[] bytes)
                key.WriteByteString(bytes);
            else
                key.WriteInt32((int)value);
        }
        key.WriteEndMap();
        return key.Encode();
    }

    JsonObject Body(JsonObject response, JsonObject body)
    {
        body["credential"] = new JsonObject
        {
            ["id"] = Base64Url.EncodeToString(CredentialId),
            ["rawId"] = Base64Url.EncodeToString(CredentialId),
            ["type"] = "public-key",
            ["response"] = response,
            ["clientExtensionResults"] = new JsonObject(),
            ["authenticatorAttachment"] = "platform",
        };
        return body;
    }

    byte[] Client(JsonElement options, string type)
    {
        var client = new JsonObject
        {
            ["type"] = Type ?? type,
            ["challenge"] = Challenge ?? options.GetProperty("challenge").GetString(),
            ["origin"] = Origin,
            ["crossOrigin"] = false,
        };
        foreach (var (name, value) in ClientData)
            client[name] = value?.DeepClone();
        return Encoding.UTF8.GetBytes(client.ToJsonString());
    }

    byte[] Data(int flags)
    {
        var data = new byte[37];
        SHA256.HashData(Encoding.UTF8.GetBytes(RelyingPartyId), data);
        data[32] = (byte)(flags | (Extensions.Length > 0 ? HasExtensions : 0));
        BinaryPrimitives.WriteUInt32BigEndian(data.AsSpan(33), Counter);
        return data;
    }

    byte[] AttestedKey() =>
    [
        .. Aaguid.ToByteArray(bigEndian: true), (byte)(CredentialId.Length >> 8), (byte)CredentialId.Length, .. CredentialId,
        .. PublicKey(),
    ];

    byte[] Sign(byte[] data) =>
        elliptic?.SignData(
            data, Algorithm == ES256 ? HashAlgorithmName.SHA256 : HashAlgorithmName.SHA384, DSASignatureFormat.Rfc3279DerSequence)
        ?? rsa?.SignData(data, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
        ?? SignatureAlgorithm.Ed25519.Sign(edwards!, data);
}
