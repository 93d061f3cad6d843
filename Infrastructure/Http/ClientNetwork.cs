using System.Net;
using System.Net.Sockets;

namespace Profiles.Infrastructure.Http;

/// <summary>Where a request comes from, no more exactly than is needed: a whole address is a person's.</summary>
static class ClientNetwork
{
    const int OfVersion4 = 24, OfVersion6 = 48;

    // Whole for version 4; of version 6 the network that one household or one telephone has, in which it has as many addresses as it likes.
    const int Limited4 = 32, Limited6 = 64;

    /// <summary>The client's network, such as <c>203.0.113.0/24</c> or <c>2001:db8:1::/48</c>; null where there is no address, as in a test without a socket.</summary>
    public static string? Of(HttpContext context) => context.Connection.RemoteIpAddress is { } address ? Truncate(address) : null;

    /// <summary>Whom a limit counts: the client's address, of IPv6 its /64. Empty where there is no address.</summary>
    public static string ForLimits(HttpContext context) => context.Connection.RemoteIpAddress is { } address ? Truncate(address, Limited4, Limited6) : "";

    /// <summary>An address without its last part; one of IPv4 in the clothes of IPv6 is one of IPv4.</summary>
    public static string Truncate(IPAddress address) => Truncate(address, OfVersion4, OfVersion6);

    static string Truncate(IPAddress address, int version4, int version6)
    {
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        var bits = address.AddressFamily == AddressFamily.InterNetwork ? version4 : version6;
        var bytes = address.GetAddressBytes();
        bytes.AsSpan(bits / 8).Clear();
        return $"{new IPAddress(bytes)}/{bits}";
    }
}
