using System.Net;
using System.Net.Sockets;

namespace Profiles.Infrastructure.Webhooks;

/// <summary>
/// The addresses of the public internet: all that neither IANA's registries of special-purpose addresses nor a cloud reserves.
/// </summary>
static class PublicNetworks
{
    static readonly IPNetwork GlobalUnicast = IPNetwork.Parse("2000::/3");

    static readonly IPNetwork[] Special =
    [
        .. ((string[])
        [
            // This network, private, carriers' NAT, loopback, link-local (and with it the clouds' metadata), private.
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
            // Protocols, documentation, 6to4 relays, private, benchmarks, documentation.
            "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
            // Azure's own services for each machine, at a public address.
            "168.63.129.16/32",
            // Multicast, reserved, broadcast.
            "224.0.0.0/4", "240.0.0.0/4",
            // Protocols (and Teredo), documentation, 6to4, documentation. What is not global unicast is refused as a whole: loopback,
            // mapped and translated IPv4 (NAT64), unique local, link-local, multicast.
            "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
        ]).Select(n => IPNetwork.Parse(n)),
    ];

    public static bool Contain(IPAddress address) =>
        // A network contains mapped addresses as if they were IPv4.
        !address.IsIPv4MappedToIPv6 && (address.AddressFamily == AddressFamily.InterNetwork || GlobalUnicast.Contains(address))
            && !Special.Any(n => n.Contains(address));
}
