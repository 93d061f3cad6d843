using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Profiles.Data;
using Profiles.Infrastructure.Tokens;

namespace Profiles.Tests.Infrastructure.Tokens;

/// <summary>Signs what a test wants with the keys of the fixture's ring, which the test reads where they are stored.</summary>
static class RingForgery
{
    /// <summary>The stored keys, of which the fixture encrypts none.</summary>
    internal static async Task<IReadOnlyList<RingKey>> RingAsync(this ProfilesFixture app) =>
        await app.Services.GetRequiredService<KeyRing>().ListAsync(TestContext.Current.CancellationToken);

    internal static ECDsa Private(this RingKey key)
    {
        var pair = ECDsa.Create();
        pair.ImportPkcs8PrivateKey(Base64Url.DecodeFromChars(key.Value), out _);
        return pair;
    }

    /// <summary>The header that the service writes.</summary>
    public static string Header(string id) => $$"""{"alg":"ES256","kid":"{{id}}","typ":"at+jwt"}""";

    public static string Payload(string token) => Encoding.UTF8.GetString(Base64Url.DecodeFromChars(token.Split('.')[1]));

    public static string Sign(ECDsa key, string header, string payload, DSASignatureFormat format =
        DSASignatureFormat.IeeeP1363FixedFieldConcatenation)
    {
        var text = $"{Encode(header)}.{Encode(payload)}";
        return $"{text}.{Base64Url.EncodeToString(key.SignData(Encoding.ASCII.GetBytes(text), HashAlgorithmName.SHA256, format))}";
    }

    public static string Encode(string json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json));

    public static string KeyId(string token)
    {
        using var header = JsonDocument.Parse(Base64Url.DecodeFromChars(token.Split('.')[0]));
        return header.RootElement.GetProperty("kid").GetString()!;
    }
}
