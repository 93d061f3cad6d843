using System.Net;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Settings;
using IPNetwork = System.Net.IPNetwork;

namespace Profiles.Infrastructure.Http;

/// <summary>
/// Reads the client's address from <c>X-Forwarded-For</c> when one of <see cref="ServiceOptions.TrustedProxies"/> sends it; anybody else
/// can write into that header what they like.
/// </summary>
static class ForwardedAddresses
{
    const string ForwardedFor = "X-Forwarded-For";

    /// <summary>Clients of a Unix socket: only those who may open its file connect, and they have no address.</summary>
    const string UnixSocket = "unix";

    // No client has this address. Without any network the framework would trust the whole chain.
    static readonly IPNetwork Nobody = new(IPAddress.Broadcast, 32);

    /// <summary>The networks in a setting; null when it is not a list of addresses and networks.</summary>
    public static IReadOnlyList<IPNetwork>? Read(string setting)
    {
        var networks = new List<IPNetwork>();
        foreach (var part in Parts(setting).Where(p => p != UnixSocket))
        {
            // The parser takes 10.1 for an address, but its author meant a network.
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
        // Last: an environment variable of the framework could make it trust every peer.
        services.AddOptions<ForwardedHeadersOptions>().PostConfigure<IOptions<ServiceOptions>>((options, service) =>
        {
            var trusted = Read(service.Value.TrustedProxies)!;
            options.KnownProxies.Clear();
            options.KnownIPNetworks.Clear();
            foreach (var network in trusted.Append(Nobody))
                options.KnownIPNetworks.Add(network);
            options.ForwardedHeaders = service.Value.TrustedProxies.Length == 0
                ? ForwardedHeaders.None
                : ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto;
            // Walks from the last proxy back to the first that is not trusted.
            options.ForwardLimit = null;
        });
        return services;
    }

    /// <summary>Sets the connection's address to the client's when a trusted proxy forwards it.</summary>
    public static IApplicationBuilder UseForwardedAddresses(this WebApplication app)
    {
        var setting = app.Services.GetRequiredService<IOptions<ServiceOptions>>().Value.TrustedProxies;
        if (Parts(setting).Contains(UnixSocket))
            return app.UseForwardedHeaders();
        // The framework trusts a peer without an address, whatever its settings.
        if (setting.Length > 0)
            return app.UseWhen(c => c.Connection.RemoteIpAddress is not null, trusted => trusted.UseForwardedHeaders());
        var warned = 0;
        return app.Use((context, next) =>
        {
            // There may be an untrusted proxy, behind which all clients share one limit. Warns once, since anybody can send the header.
            if (context.Request.Headers.ContainsKey(ForwardedFor) && Interlocked.Exchange(ref warned, 1) == 0)
            {
                app.Logger.LogWarning(
                    "The header X-Forwarded-For of a request is ignored, because no proxy is trusted. If the request came through a "
                    + "proxy of yours, name it in TrustedProxies: until then all of its clients share the limits of one address.");
            }
            return next(context);
        });
    }

    static string[] Parts(string setting) => setting.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
}
