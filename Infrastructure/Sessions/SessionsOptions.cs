namespace Profiles.Infrastructure.Sessions;

/// <summary>Settings of the sessions that keep a phone logged in.</summary>
public sealed class SessionsOptions
{
    /// <summary>How long a refresh token is valid when it is not used.</summary>
    public TimeSpan RefreshLifetime { get; set; } = TimeSpan.FromDays(60);

    /// <summary>How long a refresh token may come again after it was replaced: the reply may have been lost.</summary>
    public TimeSpan ReuseWindow { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>Phones of one user; with one more login the session that was used longest ago ends.</summary>
    public int PerUser { get; set; } = 50;
}
