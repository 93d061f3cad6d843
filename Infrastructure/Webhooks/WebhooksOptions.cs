using System.ComponentModel.DataAnnotations;
using Profiles.Data;

namespace Profiles.Infrastructure.Webhooks;

/// <summary>Settings of webhooks (docs/webhooks.md).</summary>
public sealed class WebhooksOptions
{
    /// <summary>
    /// Endpoints beside those of <c>webhooks add</c>, separated by semicolons. Each is a name, an address, one secret or two (the newer
    /// first), and the events that it gets (all when it names none), separated by spaces:
    /// <c>crm https://crm.example.com/hooks whsec_… user.created user.deleted</c>.
    /// </summary>
    public string Endpoints { get; set; } = "";

    /// <summary>How long an endpoint may take to answer, 00:00:01 to 00:01:00.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:01:00")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// Whether endpoints may be in private, loopback and other special networks, and may have http addresses. Without it, whoever can name
    /// an endpoint could reach what only this machine can.
    /// </summary>
    public bool AllowPrivateNetworks { get; set; }

    /// <summary>The endpoints of the settings; null when they are malformed.</summary>
    internal IReadOnlyList<WebhookEndpoint>? Parsed()
    {
        var texts = Endpoints.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var endpoints = texts.Select(Parse).OfType<WebhookEndpoint>().DistinctBy(e => e.Name).ToArray();
        return endpoints.Length == texts.Length && texts.Length <= WebhookFormats.MostEndpoints ? endpoints : null;
    }

    WebhookEndpoint? Parse(string text)
    {
        if (text.Split(' ', StringSplitOptions.RemoveEmptyEntries) is not [var name, var url, var secret, .. var rest])
            return null;
        var previous = rest is [var second, ..] && second.StartsWith(WebhookFormats.SecretPrefix, StringComparison.Ordinal) ? second : null;
        var events = rest[(previous is null ? 0 : 1)..];
        return WebhookFormats.Refusal(name, url, events, AllowPrivateNetworks) is not null || !WebhookFormats.IsSecret(secret)
            || (previous is not null && !WebhookFormats.IsSecret(previous))
            ? null
            : new()
            {
                Name = name,
                Url = url,
                Events = string.Join(' ', events),
                Secret = secret,
                PreviousSecret = previous,
                PreviousSecretUntil = previous is null ? null : DateTime.MaxValue,
                CreatedAt = default,
            };
    }
}
