using Profiles.Data;

namespace Profiles.Infrastructure.Accounts;

/// <summary>Settings of the accounts.</summary>
public sealed class AccountOptions
{
    /// <summary>Whether only who has shown that the address is theirs may log in. Registration and a change of address then tell nobody which addresses are taken (docs/adr/0008-e-mail-verification.md).</summary>
    public bool RequireVerifiedEmail { get; set; }

    /// <summary>How long the link to set a new password is valid, 5 minutes to a day.</summary>
    public TimeSpan ResetLifetime { get; set; } = TimeSpan.FromMinutes(30);

    /// <summary>How long the link that shows that an address is the person's is valid, an hour to 30 days.</summary>
    public TimeSpan VerifyLifetime { get; set; } = TimeSpan.FromDays(3);

    /// <summary>Whether the user has still to show that the address is theirs before logging in.</summary>
    internal bool MustVerify(User user) => RequireVerifiedEmail && user.EmailVerifiedAt is null;
}
