using System.Buffers.Text;
using System.ComponentModel.DataAnnotations;
using System.Globalization;

namespace Profiles.Infrastructure.Passkeys;

/// <summary>Settings of passkeys (docs/signing-in.md).</summary>
public sealed class PasskeysOptions
{
    internal const string AndroidOrigin = "android:apk-key-hash:";

    /// <summary>How long the files of the apps may be cached.</summary>
    internal const string Caching = "public, max-age=3600";

    // Bytes of a SHA-256 hash.
    const int HashLength = 32;

    /// <summary>
    /// The domain that passkeys belong to: the host of the app's web pages or a domain above it, such as <c>example.com</c>. With another
    /// one nobody can use the passkeys that they have.
    /// </summary>
    /// <value>The host of <see cref="Settings.ServiceOptions.PublicBaseUrl"/>; in Development <c>localhost</c></value>
    public string? RelyingPartyId { get; set; }

    /// <summary>The name that phones show when a passkey is made, 1 to 60 characters.</summary>
    /// <value><see cref="Settings.ServiceOptions.ProductName"/></value>
    [StringLength(60, MinimumLength = 1)]
    public string? RelyingPartyName { get; set; }

    /// <summary>
    /// The origins whose pages and apps may use passkeys: <c>https://app.example.com</c>, and <c>android:apk-key-hash:…</c> of Android
    /// apps that <see cref="AndroidApps"/> does not name. Each host is that of <see cref="RelyingPartyId"/> or below it.
    /// </summary>
    /// <value>The origin of <see cref="Settings.ServiceOptions.PublicBaseUrl"/></value>
    public IReadOnlyList<string> Origins { get; set; } = [];

    /// <summary>
    /// The Android apps that may use passkeys, separated by semicolons. Each is a package's name and the SHA-256 fingerprints of its
    /// signing certificates, separated by spaces: <c>com.example.app 14:6D:E9:…</c>. <c>/.well-known/assetlinks.json</c> names them.
    /// </summary>
    public string AndroidApps { get; set; } = "";

    /// <summary>
    /// The apps for Apple's systems that may use passkeys: <c>ABCDE12345.com.example.app</c>.
    /// <c>/.well-known/apple-app-site-association</c> names them.
    /// </summary>
    public IReadOnlyList<string> AppleApps { get; set; } = [];

    /// <summary>The names of the packages with their fingerprints.</summary>
    internal (string Package, string[] Fingerprints)[] AndroidAppList =>
        [.. Split(AndroidApps, ';').Select(a => Split(a, ' ')).Select(a => (a[0], a[1..]))];

    internal bool HasDomain => RelyingPartyId is null or "localhost" || (RelyingPartyId.Contains('.', StringComparison.Ordinal)
        && Uri.CheckHostName(RelyingPartyId) == UriHostNameType.Dns && !RelyingPartyId.Any(c => char.IsUpper(c) || !char.IsAscii(c)));

    internal bool HasOrigins => Origins.All(o => o.StartsWith(AndroidOrigin, StringComparison.Ordinal)
        ? Base64Url.IsValid(o.AsSpan(AndroidOrigin.Length), out var length) && length == HashLength
        : Uri.TryCreate(o, UriKind.Absolute, out var uri) && uri.GetLeftPart(UriPartial.Authority) == o
            && (uri.Scheme == Uri.UriSchemeHttps || (uri.Scheme == Uri.UriSchemeHttp && uri.Host == "localhost")));

    internal bool HasAndroidApps => AndroidAppList.All(a => a.Package.Contains('.', StringComparison.Ordinal) && IsName(a.Package, "._")
        && a.Fingerprints.Length > 0 && a.Fingerprints.All(f => OriginOf(f) is not null));

    internal bool HasAppleApps => AppleApps.All(a =>
        a is [_, _, _, _, _, _, _, _, _, _, '.', _, ..] && a[..10].All(char.IsAsciiLetterOrDigit) && IsName(a[11..], ".-"));

    /// <summary>The origin of an Android app that is signed with this certificate; null when this is no fingerprint.</summary>
    internal static string? OriginOf(string fingerprint)
    {
        var parts = fingerprint.Split(':');
        var hash = new byte[HashLength];
        for (var i = 0; i < parts.Length; i++)
        {
            if (parts.Length != HashLength || parts[i].Length != 2
                || !byte.TryParse(parts[i], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out hash[i]))
                return null;
        }
        return AndroidOrigin + Base64Url.EncodeToString(hash);
    }

    static bool IsName(string text, string others) =>
        text.All(c => char.IsAsciiLetterOrDigit(c) || others.Contains(c, StringComparison.Ordinal));

    static string[] Split(string text, char separator) =>
        text.Split(separator, StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
}
