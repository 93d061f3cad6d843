using System.Net;
using System.Net.Sockets;

namespace Profiles.Infrastructure.Http;

/// <summary>Where a request comes from, no more exactly than is needed: a whole address is a person's.</summary>
static class ClientNetwork
{
    const int OfVersion4 = 24, OfVersion6 = 48;

    /// <summary>The client's network, such as <c>203.0.113.0/24</c> or <c>2001:db8:1::/48</c>; null where there is no address, as in a test without a socket.</summary>
    public static string? Of(HttpContext context) => context.Connection.RemoteIpAddress is { } address ? Truncate(address) : null;

    /// <summary>An address without its last part; one of IPv4 in the clothes of IPv6 is one of IPv4.</summary>
    public static string Truncate(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        var bits = address.AddressFamily == AddressFamily.InterNetwork ? OfVersion4 : OfVersion6;
        var bytes = address.GetAddressBytes();
        bytes.AsSpan(bits / 8).Clear();
        return $"{new IPAddress(bytes)}/{bits}";
    }
}
