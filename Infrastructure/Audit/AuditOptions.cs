using System.ComponentModel.DataAnnotations;

namespace Profiles.Infrastructure.Audit;

/// <summary>Settings of the audit log.</summary>
public sealed class AuditOptions
{
    /// <summary>How long an entry of the audit log is kept, 1.00:00:00 to 3650.00:00:00.</summary>
    [Range(typeof(TimeSpan), "1.00:00:00", "3650.00:00:00")]
    public TimeSpan Retention { get; set; } = TimeSpan.FromDays(365);
}
