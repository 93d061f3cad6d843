using Profiles.Data;
using Profiles.Infrastructure.Http;

namespace Profiles.Infrastructure.SecurityEvents;

/// <summary>Notes what happens to an account, for its owner in the database and for whoever runs the service in the log, which has no address (OWASP ASVS 16.3).</summary>
sealed class SecurityEventLog(
    ProfilesDbContext db, SecurityEventWriter writer, CurrentUser me, IHttpContextAccessor http, TimeProvider clock, ILogger<SecurityEventLog> log)
{
    /// <summary>Adds an event to what the slice is about to save, with the phone that asks: it is there if and only if what it tells of is.</summary>
    public void Add(long userId, SecurityEventKind kind) => Add(userId, kind, me.Device, Network);

    /// <summary>The same of a phone that need not be the one that asks.</summary>
    public void Add(long userId, SecurityEventKind kind, string? device) => Add(userId, kind, device, Network);

    /// <summary>The same of what was asked for in a request before.</summary>
    public void Add(long userId, SecurityEventKind kind, string? device, string? network)
    {
        db.SecurityEvents.Add(Make(userId, kind, device, network));
        Tell(userId, kind);
    }

    /// <summary>
    /// Adds an event of a user who is saved with it for the first time. The caller tells the log by <see cref="Tell"/> once the user has an id.
    /// </summary>
    public void Add(User user, SecurityEventKind kind) =>
        // The temporary key by which the context knows the user until then.
        db.SecurityEvents.Add(Make(db.Entry(user).Property(u => u.Id).CurrentValue, kind, device: null, Network));

    /// <summary>Leaves an event to be written beside the request, whose time then does not tell whether there was one to write. A crash loses those of a moment.</summary>
    public void AddLater(long userId, SecurityEventKind kind)
    {
        writer.TryWrite(Make(userId, kind, me.Device, Network));
        Tell(userId, kind);
    }

    /// <summary>Notes an event in the service's log alone.</summary>
    public void Tell(long userId, SecurityEventKind kind) => log.LogInformation("Security event {Kind} for user {UserId}.", kind, userId);

    string? Network => http.HttpContext is { } context ? ClientNetwork.Of(context) : null;

    SecurityEvent Make(long userId, SecurityEventKind kind, string? device, string? network) => new()
    {
        UserId = userId,
        Kind = kind,
        At = clock.GetUtcNow().UtcDateTime,
        Device = device,
        Network = network,
    };
}
