using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;

namespace Profiles.Tests.Infrastructure.Exporters;

/// <summary>A collector of OpenTelemetry on a loopback port, which takes OTLP over HTTP.</summary>
public sealed class Collector : IAsyncDisposable
{
    readonly ConcurrentDictionary<string, StringBuilder> received = new();
    readonly WebApplication server;

    Collector()
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        server = builder.Build();
        server.Run(async call =>
        {
            using var body = new MemoryStream();
            await call.Request.Body.CopyToAsync(body, call.RequestAborted);
            var text = received.GetOrAdd(call.Request.Path, _ => new());
            lock (text)
                text.Append(Encoding.Latin1.GetString(body.ToArray()));
        });
    }

    public string Address => server.Urls.Single();

    public static async Task<Collector> StartAsync()
    {
        var collector = new Collector();
        await collector.server.StartAsync();
        return collector;
    }

    /// <summary>What came for <c>traces</c>, <c>metrics</c> or <c>logs</c>: Protocol Buffers, whose texts can be read.</summary>
    public string Received(string signal)
    {
        if (!received.TryGetValue($"/v1/{signal}", out var text))
            return "";
        lock (text)
            return text.ToString();
    }

    public ValueTask DisposeAsync() => server.DisposeAsync();
}
