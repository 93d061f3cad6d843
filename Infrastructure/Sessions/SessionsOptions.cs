using System.ComponentModel.DataAnnotations;

namespace Profiles.Infrastructure.Sessions;

/// <summary>Settings of sessions.</summary>
public sealed class SessionsOptions
{
    /// <summary>How long a refresh token is valid while it is not used, 01:00:00 to 3650.00:00:00.</summary>
    [Range(typeof(TimeSpan), "01:00:00", "3650.00:00:00")]
    public TimeSpan RefreshLifetime { get; set; } = TimeSpan.FromDays(60);

    /// <summary>
    /// How long a replaced refresh token still gets the same answer, in case the first one was lost, 00:00:00 to 01:00:00.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan ReuseWindow { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>The most sessions of one user, 1 to 1000. One more login ends the least recently used session.</summary>
    [Range(1, 1000)]
    public int PerUser { get; set; } = 50;
}
