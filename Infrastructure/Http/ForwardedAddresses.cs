using System.Net;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Settings;
using IPNetwork = System.Net.IPNetwork;

namespace Profiles.Infrastructure.Http;

/// <summary>Whose word is taken for where a request comes from: <see cref="ServiceOptions.TrustedProxies"/>. Anybody else may write into <c>X-Forwarded-For</c> what they like.</summary>
static class ForwardedAddresses
{
    const string ForwardedFor = "X-Forwarded-For";

    /// <summary>Whoever connects over a Unix socket: only who may open its file does, and it has no address.</summary>
    const string UnixSocket = "unix";

    // Nobody's: without a network the framework believes everybody's chain to its first link.
    static readonly IPNetwork Nobody = new(IPAddress.Broadcast, 32);

    /// <summary>The networks in a setting; null when it is none of addresses and networks.</summary>
    public static IReadOnlyList<IPNetwork>? Read(string setting)
    {
        var networks = new List<IPNetwork>();
        foreach (var part in Parts(setting).Where(p => p != UnixSocket))
        {
            // 10.1 is an address to the parser, and a network cut off to whoever wrote it.
            var isWhole = part.Contains(':', StringComparison.Ordinal) || part.Count(c => c == '.') == 3;
            if (isWhole && IPNetwork.TryParse(part, out var network))
                networks.Add(network);
            else if (isWhole && IPAddress.TryParse(part, out var address))
                networks.Add(new(address, address.GetAddressBytes().Length * 8));
            else
                return null;
        }
        return networks;
    }

    public static IServiceCollection AddForwardedAddresses(this IServiceCollection services)
    {
        services.AddOptions<ServiceOptions>().Validate(
            o => Read(o.TrustedProxies) is not null,
            "TrustedProxies must be IP addresses, networks such as 10.0.0.0/8 or unix, separated by commas.");
        // After everybody: a variable of the framework's would have it believe all the world.
        services.AddOptions<ForwardedHeadersOptions>().PostConfigure<IOptions<ServiceOptions>>((options, service) =>
        {
            var trusted = Read(service.Value.TrustedProxies)!;
            options.KnownProxies.Clear();
            options.KnownIPNetworks.Clear();
            foreach (var network in trusted.Append(Nobody))
                options.KnownIPNetworks.Add(network);
            options.ForwardedHeaders = service.Value.TrustedProxies.Length == 0 ? ForwardedHeaders.None : ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto;
            // From the last proxy back to the first that is not one of ours.
            options.ForwardLimit = null;
        });
        return services;
    }

    /// <summary>Makes the client's address that of the client where a trusted proxy says so.</summary>
    public static IApplicationBuilder UseForwardedAddresses(this WebApplication app)
    {
        var setting = app.Services.GetRequiredService<IOptions<ServiceOptions>>().Value.TrustedProxies;
        if (Parts(setting).Contains(UnixSocket))
            return app.UseForwardedHeaders();
        // The framework believes a peer without an address whatever it trusts.
        if (setting.Length > 0)
            return app.UseWhen(c => c.Connection.RemoteIpAddress is not null, trusted => trusted.UseForwardedHeaders());
        var told = 0;
        return app.Use((context, next) =>
        {
            // Perhaps there is a proxy, and every limit counts all clients as one. Once: anybody can send it.
            if (context.Request.Headers.ContainsKey(ForwardedFor) && Interlocked.Exchange(ref told, 1) == 0)
                app.Logger.LogWarning("A request had the header X-Forwarded-For, which is not believed. If it came through a proxy of yours, name that in TrustedProxies: all its clients are one to the limits.");
            return next(context);
        });
    }

    static string[] Parts(string setting) => setting.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
}
