using System.ComponentModel.DataAnnotations;
using System.Net;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Admin;

/// <summary>Settings of the admin API.</summary>
public sealed class AdminOptions
{
    /// <summary>
    /// The port of the admin API, 1 to 65535, which serves nothing else. It speaks HTTP without TLS: keep it in a private network.
    /// </summary>
    /// <value>None: there is no admin API</value>
    [Range(1, IPEndPoint.MaxPort)]
    public int? Port { get; set; }

    /// <summary>The IP address that <c>Admin__Port</c> listens on, such as <c>0.0.0.0</c> in a container.</summary>
    [IPAddress]
    public string Address { get; set; } = "127.0.0.1";

    /// <summary>Whether there is an admin API, before the settings are validated.</summary>
    internal static bool IsOn(IConfiguration configuration) => !string.IsNullOrEmpty(configuration["Admin:Port"]);
}
