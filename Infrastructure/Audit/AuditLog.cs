using Profiles.Data;
using Profiles.Infrastructure.Logging;

namespace Profiles.Infrastructure.Audit;

/// <summary>Records what an operator does, by a command or by the admin API.</summary>
sealed class AuditLog(ProfilesDbContext db, IHttpContextAccessor http, TimeProvider clock)
{
    /// <summary>Adds an entry to the caller's changes: both are saved, or neither.</summary>
    /// <param name="action">Such as <c>user.disabled</c>: whom or what it concerns, and what was done.</param>
    /// <param name="userId">The user whom it concerns; null when it concerns none.</param>
    /// <param name="detail">More of it, such as the name of a key. Never an address, a name of a user or a secret.</param>
    public void Add(string action, long? userId = null, string? detail = null)
    {
        var actor = http.HttpContext?.Features.Get<RequestKey>() is { } key ? $"key:{key.Name}" : $"command:{Environment.UserName}";
        db.AuditLog.Add(AuditEntry.Of(clock.GetUtcNow().UtcDateTime, actor, action, userId, detail));
    }
}
