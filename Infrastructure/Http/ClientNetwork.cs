using System.Net;
using System.Net.Sockets;

namespace Profiles.Infrastructure.Http;

/// <summary>The network that a request comes from, no more precisely than needed: a whole address is personal data.</summary>
static class ClientNetwork
{
    const int PrefixOfIpv4 = 24, PrefixOfIpv6 = 48;

    // All of an IPv4 address; of IPv6 the network of one household or one mobile subscriber, who has as many addresses in it as they like.
    const int LimitPrefixOfIpv4 = 32, LimitPrefixOfIpv6 = 64;

    /// <summary>
    /// The client's network, such as <c>203.0.113.0/24</c> or <c>2001:db8:1::/48</c>; null without an address, as in a test without a
    /// socket.
    /// </summary>
    public static string? Of(HttpContext context) =>
        context.Connection.RemoteIpAddress is { } address ? Truncate(address, PrefixOfIpv4, PrefixOfIpv6) : null;

    /// <summary>The key of a limit: the client's IPv4 address or its IPv6 /64. Empty without an address.</summary>
    public static string ForLimits(HttpContext context) =>
        context.Connection.RemoteIpAddress is { } address ? Truncate(address, LimitPrefixOfIpv4, LimitPrefixOfIpv6) : "";

    // An IPv4 address mapped to IPv6 counts as IPv4.
    static string Truncate(IPAddress address, int prefixOfIpv4, int prefixOfIpv6)
    {
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        var bits = address.AddressFamily == AddressFamily.InterNetwork ? prefixOfIpv4 : prefixOfIpv6;
        var bytes = address.GetAddressBytes();
        bytes.AsSpan(bits / 8).Clear();
        return $"{new IPAddress(bytes)}/{bits}";
    }
}
