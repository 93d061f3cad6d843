using Profiles.Data;

namespace Profiles.Infrastructure.Http;

/// <summary>Who is asking, read from the database when the request was authorised; a slice need not read it again.</summary>
sealed class CurrentUser
{
    User? user;

    /// <summary>The user with the profile, untracked. Throws on an anonymous route.</summary>
    public User User
    {
        get => user ?? throw new InvalidOperationException("This route is anonymous: nobody is known to ask.");
        set => user = value;
    }

    public long Id => User.Id;

    /// <summary>The session of the access token.</summary>
    public long SessionId { get; set; }

    /// <summary>What the app calls the phone that the session is of; null when it did not say, or nobody is known to ask.</summary>
    public string? Device { get; set; }

    public UserProfile Profile => User.Profile;
}
