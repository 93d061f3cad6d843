using System.ComponentModel.DataAnnotations;
using Profiles.Data;

namespace Profiles.Infrastructure.Accounts;

/// <summary>Settings of accounts.</summary>
public sealed class AccountOptions
{
    /// <summary>
    /// Whether a registration becomes an account only once its address is confirmed. Registrations and changes of address then do not
    /// reveal which addresses are taken (ADR 8). In Production it needs <c>Mail__Host</c>.
    /// </summary>
    public bool RequireVerifiedEmail { get; set; }

    /// <summary>How long the mailed token that sets a new password is valid, 00:05:00 to 1.00:00:00.</summary>
    [Range(typeof(TimeSpan), "00:05:00", "1.00:00:00")]
    public TimeSpan ResetLifetime { get; set; } = TimeSpan.FromMinutes(30);

    /// <summary>
    /// How long the mailed token that confirms an address is valid, and how long a registration waits for it. 01:00:00 to 30.00:00:00.
    /// </summary>
    [Range(typeof(TimeSpan), "01:00:00", "30.00:00:00")]
    public TimeSpan VerifyLifetime { get; set; } = TimeSpan.FromDays(3);

    /// <summary>
    /// How long a guest's account is kept while nobody uses it or, when its session has expired, since it began, 1.00:00:00 to
    /// 3650.00:00:00.
    /// </summary>
    [Range(typeof(TimeSpan), "1.00:00:00", "3650.00:00:00")]
    public TimeSpan GuestRetention { get; set; } = TimeSpan.FromDays(90);

    /// <summary>Whether the user must confirm the address before logging in.</summary>
    internal bool MustVerify(User user) => RequireVerifiedEmail && user.EmailVerifiedAt is null;
}
