using System.Text.Json.Nodes;

namespace Profiles.Infrastructure.Webhooks;

/// <summary>
/// A message as the outbox keeps it: the id, by which a receiver knows that it has had it, and the body, to the byte as it is signed.
/// </summary>
sealed record WebhookMessage(string Id, string Body)
{
    /// <summary>The payload of a new message. One event has one id at all endpoints.</summary>
    public static string New(JsonObject body) => $"msg_{Guid.NewGuid():N}.{body.ToJsonString()}";

    public static WebhookMessage Of(string payload) => new(payload[..payload.IndexOf('.')], payload[(payload.IndexOf('.') + 1)..]);

    public string Type => (string)JsonNode.Parse(Body)!["type"]!;
}
