using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Passkeys;

/// <summary>The service as WebAuthn knows it: its domain, and the origins whose pages and apps may use its passkeys.</summary>
sealed class RelyingParty(IOptions<PasskeysOptions> options, IOptions<ServiceOptions> service)
{
    readonly Uri? address = service.Value.PublicBaseUrl is { } url ? new(url) : null;

    /// <summary>The domain.</summary>
    public string Id => options.Value.RelyingPartyId ?? address?.IdnHost ?? "localhost";

    public string Name => options.Value.RelyingPartyName ?? service.Value.ProductName;

    /// <summary>Whether pages or apps of this origin may use passkeys; exactly as it is written.</summary>
    public bool Allows(string origin) =>
        // Only Development has no address; a page of the same machine has whatever port its tools gave it.
        (address is null && Uri.TryCreate(origin, UriKind.Absolute, out var uri) && uri is { Scheme: "http", Host: "localhost" })
        || Origins.Value.Contains(origin);

    Lazy<HashSet<string>> Origins { get; } = new(() => [.. OriginsOf(options.Value, service.Value)]);

    /// <summary>Those of the settings, and those that follow from the apps; none where the settings contradict each other.</summary>
    public static IEnumerable<string> OriginsOf(PasskeysOptions options, ServiceOptions service)
    {
        var address = service.PublicBaseUrl is { } url ? new Uri(url) : null;
        var domain = options.RelyingPartyId ?? address?.IdnHost;
        var named = options.Origins;
        if (!named.All(o => o.StartsWith(PasskeysOptions.AndroidOrigin, StringComparison.Ordinal) || IsWithin(new(o), domain)))
            return [];
        if (named.Count == 0 && address is not null && IsWithin(address, domain))
            named = [address.GetLeftPart(UriPartial.Authority)];
        var android = options.AndroidAppList.SelectMany(a => a.Fingerprints).Select(f => PasskeysOptions.OriginOf(f)!);
        // Apps on Apple's systems have the domain for their origin.
        return [.. named, .. android, .. options.AppleApps.Count > 0 ? [$"https://{domain}"] : Array.Empty<string>()];
    }

    static bool IsWithin(Uri origin, string? domain) =>
        origin.IdnHost == domain || origin.IdnHost.EndsWith($".{domain}", StringComparison.Ordinal);
}
