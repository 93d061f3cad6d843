using System.Buffers.Text;
using FluentValidation.Results;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Errors;

namespace Profiles.Infrastructure.Importing;

/// <summary>Knows which users of a batch are there already, and what of the others somebody has.</summary>
sealed class TakenUsers
{
    readonly Dictionary<string, string?> externalIdsByEmail;
    readonly HashSet<string> externalIds, usernames, passkeys;
    readonly HashSet<(string, string)> identities;

    TakenUsers(
        Dictionary<string, string?> externalIdsByEmail, HashSet<string> externalIds, HashSet<string> usernames,
        HashSet<(string, string)> identities, HashSet<string> passkeys) =>
        (this.externalIdsByEmail, this.externalIds, this.usernames, this.identities, this.passkeys) =
        (externalIdsByEmail, externalIds, usernames, identities, passkeys);

    public static async Task<TakenUsers> FindAsync(ProfilesDbContext db, IReadOnlyList<ImportedUser> batch, CancellationToken ct)
    {
        var emails = batch.Select(b => b.User.NormalizedEmail).ToArray();
        var externalIds = batch.Select(b => b.User.ExternalId).OfType<string>().ToArray();
        var usernames = batch.Select(b => b.User.Profile.Username).OfType<string>().ToArray();
        // Not joined by "or", for which PostgreSQL would read the whole table.
        var users = await db.Users.Where(u => emails.Contains(u.NormalizedEmail))
            .Union(db.Users.Where(u => externalIds.Contains(u.ExternalId)))
            .Select(u => new { u.NormalizedEmail, u.ExternalId }).ToListAsync(ct);
        return new(
            users.Where(u => u.NormalizedEmail is not null).ToDictionary(u => u.NormalizedEmail!, u => u.ExternalId),
            [.. users.Select(u => u.ExternalId).OfType<string>()],
            [.. await db.UserProfiles.Where(p => usernames.Contains(p.Username)).Select(p => p.Username!).ToListAsync(ct)],
            await FindIdentitiesAsync(db, [.. batch.SelectMany(b => b.Identities)], ct),
            await FindPasskeysAsync(db, [.. batch.SelectMany(b => b.Passkeys)], ct));
    }

    /// <summary>Whether an earlier run has imported the user.</summary>
    public bool HasImported(ImportedUser user) => (user.User.ExternalId is { } id && externalIds.Contains(id))
        || (externalIdsByEmail.TryGetValue(user.User.NormalizedEmail!, out var externalId) && externalId == user.User.ExternalId);

    /// <summary>Why a user who is not there cannot come.</summary>
    public ValidationFailure? Refusal(ImportedUser user) =>
        externalIdsByEmail.ContainsKey(user.User.NormalizedEmail!) ? Problems.Failure("email", ErrorCodes.EmailTaken)
        : user.User.Profile.Username is { } username && usernames.Contains(username)
            ? Problems.Failure("username", ErrorCodes.UsernameTaken)
        : user.Identities.Any(i => identities.Contains((i.Provider!, i.Subject!)))
            ? Problems.Failure("identities", ErrorCodes.IdentityTaken)
        : user.Passkeys.Any(p => passkeys.Contains(p.CredentialId!)) ? Problems.Failure("passkeys", ErrorCodes.PasskeyTaken)
        : null;

    static async Task<HashSet<(string, string)>> FindIdentitiesAsync(ProfilesDbContext db, ImportIdentity[] all, CancellationToken ct)
    {
        if (all.Length == 0)
            return [];
        var (providers, subjects) = (all.Select(i => i.Provider!).Distinct().ToArray(), all.Select(i => i.Subject!).ToArray());
        var linked = await db.Identities.Where(i => providers.Contains(i.Provider) && subjects.Contains(i.Subject))
            .Select(i => new { i.Provider, i.Subject }).ToListAsync(ct);
        return [.. linked.Select(i => (i.Provider, i.Subject))];
    }

    static async Task<HashSet<string>> FindPasskeysAsync(ProfilesDbContext db, ImportPasskey[] all, CancellationToken ct)
    {
        if (all.Length == 0)
            return [];
        var ids = all.Select(p => Base64Url.DecodeFromChars(p.CredentialId)).ToArray();
        var registered = await db.Passkeys.Where(p => ids.Contains(p.CredentialId)).Select(p => p.CredentialId).ToListAsync(ct);
        return [.. registered.Select(id => Base64Url.EncodeToString(id))];
    }
}
