using Profiles.Data;

namespace Profiles.Infrastructure.Importing;

/// <summary>A user of a line, and what is saved beside it.</summary>
/// <param name="User">The user with the profile.</param>
/// <param name="Identities">The accounts elsewhere.</param>
/// <param name="Passkeys">The passkeys.</param>
/// <param name="TotpSecret">The secret of the authenticator app in the form that is stored; null without one.</param>
/// <param name="At">When it was read, UTC.</param>
sealed record ImportedUser(
    User User, IReadOnlyList<ImportIdentity> Identities, IReadOnlyList<ImportPasskey> Passkeys, string? TotpSecret, DateTime At)
{
    /// <summary>Adds all of it; the caller saves.</summary>
    public void AddTo(ProfilesDbContext db)
    {
        // The context's temporary key of the user, who has no id yet.
        var id = db.Users.Add(User).Property(u => u.Id).CurrentValue;
        db.Identities.AddRange(Identities.Select(i => new Identity
        {
            UserId = id,
            Provider = i.Provider!,
            Subject = i.Subject!,
            Email = i.Email,
            CreatedAt = User.CreatedAt,
        }));
        db.Passkeys.AddRange(Passkeys.Select(p => p.ToPasskey(id, User.CreatedAt)!));
        if (TotpSecret is not null)
            db.SecondFactors.Add(new() { UserId = id, Secret = TotpSecret, ConfirmedAt = At });
    }
}
