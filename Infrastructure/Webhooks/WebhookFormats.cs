using System.Net;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Profiles.Data;

namespace Profiles.Infrastructure.Webhooks;

/// <summary>The forms of what makes an endpoint, in the settings and in commands.</summary>
static partial class WebhookFormats
{
    public const string SecretPrefix = "whsec_";

    /// <summary>Each has a loop of its own.</summary>
    public const int MostEndpoints = 50;

    // Standard Webhooks: 24 to 64 random bytes.
    const int SecretBytes = 32, LeastSecretBytes = 24, MostSecretBytes = 64;

    public static string NewSecret() => SecretPrefix + Convert.ToBase64String(RandomNumberGenerator.GetBytes(SecretBytes));

    public static bool IsSecret(string text)
    {
        Span<byte> bytes = stackalloc byte[MostSecretBytes];
        return text.StartsWith(SecretPrefix, StringComparison.Ordinal)
            && Convert.TryFromBase64String(text[SecretPrefix.Length..], bytes, out var length) && length >= LeastSecretBytes;
    }

    /// <summary>Why an endpoint cannot be, in a sentence that shows no address; null when it can.</summary>
    public static string? Refusal(string name, string url, IReadOnlyList<string> events, bool allowsPrivateNetworks) =>
        !Name().IsMatch(name) || name.Length > WebhookEndpoint.NameMaxLength
            ? "A name of an endpoint is lower-case letters, digits, dots, hyphens and underscores, and begins with a letter or a digit."
        : events.FirstOrDefault(e => !WebhookEvents.All.Contains(e)) is { } unknown
            ? $"{unknown} is no event; the events are {string.Join(", ", WebhookEvents.All)}."
        : events.Distinct().Count() != events.Count ? "An event is named twice."
        : url.Length > WebhookEndpoint.UrlMaxLength || !Uri.TryCreate(url, UriKind.Absolute, out var uri)
            || uri.UserInfo.Length > 0 || uri.Fragment.Length > 0 || uri.Scheme is not ("https" or "http")
            ? "The address must be an https address without user or fragment."
        : allowsPrivateNetworks ? null
        : uri.Scheme != "https" ? "The address must be an https address (Webhooks__AllowPrivateNetworks allows http)."
        : IPAddress.TryParse(uri.IdnHost, out var address) && !PublicNetworks.Contain(address)
            ? "The address is in a private or special network (Webhooks__AllowPrivateNetworks allows that)."
        : null;

    [GeneratedRegex(@"^[a-z0-9][a-z0-9._-]*\z")]
    private static partial Regex Name();
}
