using Profiles.Data;
using Profiles.Infrastructure.Http;

namespace Profiles.Infrastructure.Auth;

/// <summary>Notes what happens to an account, for its owner in the database and for whoever runs the service in the log, which has no address (OWASP ASVS 16.3).</summary>
sealed class SecurityEventLog(ProfilesDbContext db, IHttpContextAccessor http, TimeProvider clock, ILogger<SecurityEventLog> log)
{
    /// <summary>Adds an event to what the slice is about to save: it is there if and only if what it tells of is.</summary>
    public void Add(long userId, SecurityEventKind kind, string? device = null)
    {
        Keep(userId, kind, device);
        Tell(userId, kind);
    }

    /// <summary>The same for a user who is saved with it, and has no id before.</summary>
    public void AddFirst(User user, SecurityEventKind kind)
    {
        // The key that the context knows the user by until then.
        Keep(db.Entry(user).Property(u => u.Id).CurrentValue, kind, device: null);
        db.SavedChanges += (_, _) => Tell(user.Id, kind);
    }

    void Keep(long userId, SecurityEventKind kind, string? device) =>
        db.SecurityEvents.Add(new()
        {
            UserId = userId,
            Kind = kind,
            At = clock.GetUtcNow().UtcDateTime,
            Device = device,
            Network = http.HttpContext is { } context ? ClientNetwork.Of(context) : null,
        });

    /// <summary>Notes an event in the service's log alone.</summary>
    public void Tell(long userId, SecurityEventKind kind) => log.LogInformation("Security event {Kind} for user {UserId}.", kind, userId);
}
