using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Http;

/// <summary>
/// A port that serves the routes below one path and nothing else; no other port serves them. A request's feature of this type says that it
/// came to such a port. A concern adds one as a singleton.
/// </summary>
/// <param name="Setting">The setting of the port, for sentences.</param>
/// <param name="Path">The path, such as <c>/metrics</c>.</param>
/// <param name="EndPoint">Null when the port is not set: then the routes are served nowhere.</param>
sealed record ExtraListener(string Setting, string Path, IPEndPoint? EndPoint)
{
    /// <summary>The listener of two settings, which are validated.</summary>
    public static ExtraListener Of(string setting, string path, string address, int? port) =>
        new(setting, path, port is { } number ? new(IPAddress.Parse(address), number) : null);
}

/// <summary>Listens on the ports of the <see cref="ExtraListener"/>s, and keeps their routes and all others apart.</summary>
static class ExtraListeners
{
    /// <summary>Answers 404, as for an unknown route, to what the request's port does not serve.</summary>
    public static IApplicationBuilder UseExtraListeners(this WebApplication app)
    {
        var listeners = app.Services.GetServices<ExtraListener>().ToArray();
        if (listeners.Length == 0)
            return app;
        return app.Use((context, next) =>
        {
            ExtraListener? own = null, asked = null;
            foreach (var listener in listeners)
            {
                if (listener.EndPoint is { } endPoint && endPoint.Port == context.Connection.LocalPort)
                    own = listener;
                if (context.Request.Path.StartsWithSegments(listener.Path, StringComparison.OrdinalIgnoreCase))
                    asked = listener;
            }
            if (own == asked)
            {
                if (own is not null)
                    context.Features.Set(own);
                return next(context);
            }
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        });
    }

    /// <summary>Adds the ports to the addresses that the server listens on, which stay in force, and returns their listeners.</summary>
    public static IReadOnlyList<ExtraListener> ListenOnExtraPorts(this WebApplication app)
    {
        var listeners = app.Services.GetServices<ExtraListener>().Where(l => l.EndPoint is not null).ToArray();
        if (listeners.Length == 0)
            return [];
        var endpoints = app.Configuration.GetSection("Kestrel:Endpoints").GetChildren().Select(e => e["Url"] ?? "").ToArray();
        var addresses = endpoints.Length > 0 ? endpoints : Addresses(app.Configuration);
        // A port says what it serves, whatever address it is on.
        var taken = addresses.Where(a => a.Length > 0).Select(a => BindingAddress.Parse(a).Port).ToHashSet();
        if (listeners.FirstOrDefault(l => !taken.Add(l.EndPoint!.Port)) is { } second)
            throw new StartException($"{second.Setting} must be a port that nothing else of the service listens on.");
        if (endpoints.Length > 0)
        {
            // Endpoints of the configuration take the place of every address, and endpoints of the code are added to them.
            var kestrel = app.Services.GetRequiredService<IOptions<KestrelServerOptions>>().Value;
            foreach (var listener in listeners)
                kestrel.Listen(listener.EndPoint!);
        }
        // The test server has no addresses. Addresses of the code take the place of the configuration's.
        else if (app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>() is { } server)
        {
            foreach (var address in addresses.Concat(listeners.Select(Address)))
                server.Addresses.Add(address);
        }
        return listeners;
    }

    /// <summary>The setting of the address that the server could not listen on.</summary>
    public static string SettingOf(this IEnumerable<ExtraListener> listeners, IOException failure) =>
        listeners.FirstOrDefault(l => failure.Message.Contains($"{Address(l)}:", StringComparison.Ordinal))?.Setting ?? "ASPNETCORE_URLS";

    /// <summary>The setting of the address that this machine does not have.</summary>
    public static string SettingOf(this IEnumerable<ExtraListener> listeners, SocketException failure) =>
        listeners.FirstOrDefault(l => IsRefused(l.EndPoint!.Address, failure.SocketErrorCode))?.Setting.Replace("__Port", "__Address")
            ?? "ASPNETCORE_URLS";

    static bool IsRefused(IPAddress address, SocketError error)
    {
        try
        {
            using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(address, 0));
            return false;
        }
        catch (SocketException e) when (e.SocketErrorCode == error)
        {
            return true;
        }
    }

    static string Address(ExtraListener listener) => $"http://{listener.EndPoint}";

    // As the framework reads them: urls take precedence over ports.
    static string[] Addresses(IConfiguration configuration)
    {
        return Parts(configuration, "urls") is { Length: > 0 } urls
            ? urls
            : [.. Parts(configuration, "http_ports").Select(p => $"http://*:{p}"),
                .. Parts(configuration, "https_ports").Select(p => $"https://*:{p}")];
    }

    /// <summary>The addresses or ports of a setting.</summary>
    public static string[] Parts(IConfiguration configuration, string key) =>
        (configuration[key] ?? "").Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
}
