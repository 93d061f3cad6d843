using Profiles.Data;

namespace Profiles.Infrastructure.Http;

/// <summary>The caller, read from the database when the request was authorised; a slice need not read it again.</summary>
sealed class CurrentUser
{
    User? user;

    /// <summary>The user with the profile, untracked. Throws on an anonymous route.</summary>
    public User User
    {
        get => user ?? throw new InvalidOperationException("This route is anonymous: it has no current user.");
        set => user = value;
    }

    public long Id => User.Id;

    /// <summary>The access token's session.</summary>
    public long SessionId { get; set; }

    /// <summary>The name that the app gave the session's device; null when it gave none, or on an anonymous route.</summary>
    public string? Device { get; set; }

    public UserProfile Profile => User.Profile;
}
