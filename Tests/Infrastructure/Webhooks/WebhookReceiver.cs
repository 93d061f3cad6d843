using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace Profiles.Tests.Infrastructure.Webhooks;

/// <summary>A message that the receiver got: the endpoint's path, the three headers and the body.</summary>
sealed record Delivery(string Path, string Id, string Timestamp, string Signature, string Body)
{
    public string Type => Event.GetProperty("type").GetString()!;

    public JsonElement Data => Event.GetProperty("data");

    public long UserId => Data.GetProperty("user_id").GetInt64();

    JsonElement Event => JsonDocument.Parse(Body).RootElement;
}

/// <summary>Endpoints on a loopback port, one for each path, that answer 200 unless told otherwise.</summary>
sealed class WebhookReceiver : IAsyncDisposable
{
    readonly ConcurrentQueue<Delivery> deliveries = new();
    readonly CancellationTokenSource end = new();
    readonly WebApplication server;

    WebhookReceiver()
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        server = builder.Build();
        server.Run(AnswerAsync);
    }

    public string Address => server.Urls.Single();

    /// <summary>All in their order, also those that were not accepted.</summary>
    public IReadOnlyList<Delivery> Deliveries => [.. deliveries];

    /// <summary>What a path does after its message was read, in place of 200; the token ends with the receiver.</summary>
    public ConcurrentDictionary<string, Func<HttpContext, CancellationToken, Task>> On { get; } = new();

    public static async Task<WebhookReceiver> StartAsync()
    {
        var receiver = new WebhookReceiver();
        await receiver.server.StartAsync();
        return receiver;
    }

    public static Func<HttpContext, CancellationToken, Task> Status(int status) => (call, _) =>
    {
        call.Response.StatusCode = status;
        return Task.CompletedTask;
    };

    public static Task HangAsync(HttpContext call, CancellationToken ct) => Task.Delay(Timeout.Infinite, ct);

    public async ValueTask DisposeAsync()
    {
        await end.CancelAsync();
        await server.DisposeAsync();
        end.Dispose();
    }

    async Task AnswerAsync(HttpContext call)
    {
        using var reader = new StreamReader(call.Request.Body);
        string Header(string name) => call.Request.Headers[name].ToString();
        deliveries.Enqueue(new(
            call.Request.Path.Value!, Header("webhook-id"), Header("webhook-timestamp"), Header("webhook-signature"),
            await reader.ReadToEndAsync()));
        if (!On.TryGetValue(call.Request.Path.Value!, out var answers))
            return;
        using var either = CancellationTokenSource.CreateLinkedTokenSource(call.RequestAborted, end.Token);
        try
        {
            await answers(call, either.Token);
        }
        catch (OperationCanceledException)
        {
            call.Abort();
        }
    }
}
