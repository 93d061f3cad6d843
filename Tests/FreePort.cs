using System.Net;
using System.Net.Sockets;

namespace Profiles.Tests;

/// <summary>Loopback ports that no process listens on at this moment.</summary>
static class FreePort
{
    public static int Take()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
