using Profiles.Data;

namespace Profiles.Infrastructure.Importing;

/// <summary>A user of a line, and what is saved beside it.</summary>
sealed record ImportedUser(User User, IReadOnlyList<ImportIdentity> Identities, IReadOnlyList<ImportPasskey> Passkeys)
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
    }
}
