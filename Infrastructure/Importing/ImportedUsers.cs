using System.Buffers.Text;
using FluentValidation.Results;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Errors;

namespace Profiles.Infrastructure.Importing;

/// <summary>A user of a line, and what is saved beside it.</summary>
sealed record ImportedUser(User User, IReadOnlyList<ImportPasskey> Passkeys);

/// <summary>Adds imported users with all that is theirs, and finds what of it somebody has.</summary>
static class ImportedUsers
{
    /// <summary>Adds a user; the caller saves.</summary>
    public static void AddImported(this ProfilesDbContext db, ImportedUser user)
    {
        // The context's temporary key of the user, who has no id yet.
        var id = db.Users.Add(user.User).Property(u => u.Id).CurrentValue;
        db.Passkeys.AddRange(user.Passkeys.Select(p => p.ToPasskey(id, user.User.CreatedAt)!));
    }

    /// <summary>Returns what says of each of these users whether somebody has their username or a passkey of theirs.</summary>
    public static async Task<Func<ImportedUser, ValidationFailure?>> FindTakenAsync(
        this ProfilesDbContext db, IReadOnlyCollection<ImportedUser> users, CancellationToken ct)
    {
        var usernames = users.Select(u => u.User.Profile.Username).OfType<string>().ToArray();
        var ids = users.SelectMany(u => u.Passkeys).Select(p => Base64Url.DecodeFromChars(p.CredentialId)).ToArray();
        var names = (await db.UserProfiles.Where(p => usernames.Contains(p.Username)).Select(p => p.Username!).ToListAsync(ct)).ToHashSet();
        HashSet<string> passkeys = ids.Length == 0 ? []
            : [.. (await db.Passkeys.Where(p => ids.Contains(p.CredentialId)).Select(p => p.CredentialId).ToListAsync(ct))
                .Select(id => Base64Url.EncodeToString(id))];
        return user => user.User.Profile.Username is { } username && names.Contains(username)
            ? Problems.Failure("username", ErrorCodes.UsernameTaken)
            : user.Passkeys.Any(p => passkeys.Contains(p.CredentialId!)) ? Problems.Failure("passkeys", ErrorCodes.PasskeyTaken) : null;
    }
}
