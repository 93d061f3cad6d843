using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;

namespace Profiles.Tests;

/// <summary>Gives a request in this process the peer address that it names: without a socket there is no other.</summary>
sealed class ClientAddresses : IStartupFilter
{
    const string Header = "X-Test-Peer";

    /// <summary>A request that comes from an address.</summary>
    public static HttpRequestMessage From(string address, HttpMethod method, string path, HttpContent? content = null)
    {
        var message = new HttpRequestMessage(method, path) { Content = content };
        message.Headers.Add(Header, address);
        return message;
    }

    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        app.Use((context, rest) =>
        {
            if (IPAddress.TryParse(context.Request.Headers[Header], out var address))
                context.Connection.RemoteIpAddress = address;
            return rest(context);
        });
        next(app);
    };
}
