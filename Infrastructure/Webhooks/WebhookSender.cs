using System.Collections.Concurrent;
using System.Net;
using System.Net.Mime;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Options;
using Profiles.Data;
using StandardWebhooks;

namespace Profiles.Infrastructure.Webhooks;

/// <summary>
/// Sends signed messages (Standard Webhooks) to nothing but the endpoint itself: no redirects, no proxy, and no address outside the public
/// networks unless the settings allow that.
/// </summary>
sealed class WebhookSender : IDisposable
{
    /// <summary>The failure of an endpoint that says that it is gone for good.</summary>
    public const string Gone = "HTTP 410";

    const string TimedOut = "No answer in time";

    const int MostTimeouts = 10;

    static readonly TimeSpan Pause = TimeSpan.FromMinutes(5);

    readonly ConcurrentDictionary<string, (int InARow, DateTimeOffset PausedUntil)> timeouts = new();
    readonly HttpClient http;
    readonly bool allowsPrivateNetworks;
    readonly TimeProvider clock;
    readonly ILogger<WebhookSender> log;

    public WebhookSender(IOptions<WebhooksOptions> options, TimeProvider clock, ILogger<WebhookSender> log)
    {
        (allowsPrivateNetworks, this.clock, this.log) = (options.Value.AllowPrivateNetworks, clock, log);
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            // Not in the resolver before it: what is checked is what is connected to, whatever the name resolves to next.
            ConnectCallback = ConnectAsync,
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            MaxResponseHeadersLength = 16,
            MaxResponseDrainSize = 16 * 1024,
            ResponseDrainTimeout = TimeSpan.FromSeconds(1),
        };
        http = new(handler) { Timeout = options.Value.Timeout, DefaultRequestHeaders = { UserAgent = { new("Profiles", null) } } };
    }

    /// <summary>Whether so many messages in a row timed out that the endpoint gets none for a while.</summary>
    public bool IsPaused(WebhookEndpoint endpoint) =>
        timeouts.TryGetValue(endpoint.Url, out var found) && found.PausedUntil > clock.GetUtcNow();

    /// <summary>Sends a message and does not read what is answered; returns why it was not accepted, or null.</summary>
    public async Task<string?> SendAsync(WebhookEndpoint endpoint, WebhookMessage message, CancellationToken ct)
    {
        var failure = await TrySendAsync(endpoint, message, ct);
        if (failure != TimedOut)
        {
            timeouts.TryRemove(endpoint.Url, out _);
            return failure;
        }
        var wasPaused = IsPaused(endpoint);
        timeouts.AddOrUpdate(endpoint.Url, (1, default), (_, before) =>
            (before.InARow + 1, before.InARow + 1 < MostTimeouts ? default : clock.GetUtcNow() + Pause));
        if (!wasPaused && IsPaused(endpoint))
            log.LogWarning(
                "Endpoint {Endpoint} let {Count} messages in a row time out; it gets none for five minutes.", endpoint.Name, MostTimeouts);
        return failure;
    }

    public void Dispose() => http.Dispose();

    async Task<string?> TrySendAsync(WebhookEndpoint endpoint, WebhookMessage message, CancellationToken ct)
    {
        var now = clock.GetUtcNow();
        using var request = new HttpRequestMessage(HttpMethod.Post, endpoint.Url)
        {
            Content = new StringContent(message.Body, Encoding.UTF8, MediaTypeNames.Application.Json),
        };
        request.Headers.Add("webhook-id", message.Id);
        request.Headers.Add("webhook-timestamp", $"{now.ToUnixTimeSeconds()}");
        request.Headers.Add("webhook-signature", string.Join(' ', endpoint.SecretsAt(now.UtcDateTime)
            .Select(secret => new StandardWebhook(secret).Sign(message.Id, now, message.Body))));
        try
        {
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ct);
            return response.IsSuccessStatusCode ? null : $"HTTP {(int)response.StatusCode}";
        }
        catch (HttpRequestException e)
        {
            return e.InnerException is PrivateNetworkException ? "The address is in a private or special network"
                : e.HttpRequestError switch
                {
                    HttpRequestError.NameResolutionError => "The name does not resolve",
                    HttpRequestError.SecureConnectionError => "TLS failed",
                    HttpRequestError.ConnectionError => "No connection",
                    _ => "No valid answer",
                };
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return TimedOut;
        }
    }

    async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken ct)
    {
        var found = await Dns.GetHostAddressesAsync(context.DnsEndPoint.Host, ct);
        var addresses = found.Where(a => allowsPrivateNetworks || PublicNetworks.Contain(a)).ToArray();
        if (addresses.Length == 0)
            throw new PrivateNetworkException();
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(addresses, context.DnsEndPoint.Port, ct);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    sealed class PrivateNetworkException : IOException;
}
