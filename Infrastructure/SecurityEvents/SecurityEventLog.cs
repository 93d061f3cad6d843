using Profiles.Data;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Logging;

namespace Profiles.Infrastructure.SecurityEvents;

/// <summary>
/// Records security events of an account: in the database for its owner, and in the log, without addresses, for the operator
/// (OWASP ASVS 16.3).
/// </summary>
sealed class SecurityEventLog(
    ProfilesDbContext db,
    SecurityEventWriter writer,
    CurrentUser me,
    IHttpContextAccessor http,
    TimeProvider clock,
    ILogger<SecurityEventLog> log)
{
    /// <summary>Adds an event with the request's device to the slice's changes: both are saved, or neither.</summary>
    public void Add(long userId, SecurityEventKind kind) => Add(userId, kind, me.Device, Network);

    /// <summary>Adds an event with the given device, which need not be the request's.</summary>
    public void Add(long userId, SecurityEventKind kind, string? device) => Add(userId, kind, device, Network);

    /// <summary>Adds an event with the given device and network, for a change that an earlier request asked for.</summary>
    public void Add(long userId, SecurityEventKind kind, string? device, string? network)
    {
        db.SecurityEvents.Add(Make(userId, kind, device, network));
        WriteToLog(userId, kind);
    }

    /// <summary>
    /// Adds an event of a new user, who is saved with it. The caller calls <see cref="WriteToLog"/> once the user has an id.
    /// </summary>
    public void AddWithoutLog(User user, SecurityEventKind kind) =>
        // The context's temporary key of the user, who has no id yet.
        db.SecurityEvents.Add(Make(db.Entry(user).Property(u => u.Id).CurrentValue, kind, device: null, Network));

    /// <summary>
    /// Queues an event to be written after the request, so that the request's duration does not reveal whether there was one. A crash loses
    /// the queued events.
    /// </summary>
    public void AddLater(long userId, SecurityEventKind kind)
    {
        writer.TryWrite(Make(userId, kind, me.Device, Network));
        WriteToLog(userId, kind);
    }

    /// <summary>Writes an event to the service's log only.</summary>
    public void WriteToLog(long userId, SecurityEventKind kind) =>
        log.LogInformation("Security event {Kind} for user {UserId}.", kind, userId);

    // An operator's network is not the owner's business.
    string? Network => http.HttpContext is { } context && context.Features.Get<RequestKey>() is null ? ClientNetwork.Of(context) : null;

    SecurityEvent Make(long userId, SecurityEventKind kind, string? device, string? network) => new()
    {
        UserId = userId,
        Kind = kind,
        At = clock.GetUtcNow().UtcDateTime,
        Device = device,
        Network = network,
    };
}
