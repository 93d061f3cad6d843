using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using FluentValidation.Results;
using Profiles.Data;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Json;
using Profiles.Infrastructure.Passwords;
using Profiles.Infrastructure.SecondFactors;

namespace Profiles.Infrastructure.Importing;

/// <summary>Makes a user of each line, or says why not. Remembers a few bytes of each line, to find what occurs twice.</summary>
sealed class ImportReader(JsonSerializerOptions json, FirebaseParameters? firebase, TotpSecrets secrets, TimeProvider clock)
{
    readonly ImportLineValidator validator = new(clock);
    readonly HashSet<long> seen = [];

    /// <summary>Reads a line. Without a user it is refused, for at least one reason.</summary>
    /// <param name="text">The line; null when it is too long.</param>
    public (ImportedUser? User, IReadOnlyList<ValidationFailure> Refusals) Read(byte[]? text)
    {
        if (text is null)
            return (null, [Problems.Failure("", ImportErrors.LineTooLong)]);
        ImportLine line;
        try
        {
            line = (ImportLine)StrictJson.Parse(text, typeof(ImportLine), json);
        }
        catch (JsonException e)
        {
            return (null, [StrictJson.Explain(e)]);
        }
        if (validator.Validate(line) is { IsValid: false } result)
        {
            // Only the service has the library name members as clients do.
            result.Errors.ForEach(e => e.PropertyName = JsonNamingPolicy.SnakeCaseLower.ConvertName(e.PropertyName));
            return (null, result.Errors);
        }
        var hash = line.PasswordSalt is null ? line.PasswordHash ?? "" : firebase?.Describe(line.PasswordHash ?? "", line.PasswordSalt);
        if (Objection(hash, line.PasswordAlgorithm) is { } objection)
            return (null, [Problems.Failure("password_hash", objection)]);
        var now = clock.GetUtcNow().UtcDateTime;
        var user = line.ToUser(hash!, now);
        if (Encoding.UTF8.GetByteCount(user.Profile.Metadata ?? "") > UserProfile.MetadataMaxBytes)
            return (null, [Problems.Failure("metadata", ErrorCodes.MetadataTooLarge)]);
        var identities = line.Identities ?? [];
        var passkeys = line.Passkeys?.OfType<ImportPasskey>().ToArray() ?? [];
        var repeated = Keys(user)
            .Concat(identities.Select(i => (Member: "identities", Value: $"{i.Provider}\n{i.Subject}")))
            .Concat(passkeys.Select(p => (Member: "passkeys", Value: p.CredentialId!)))
            .Where(k => !seen.Add(HashOf(k.Member, k.Value))).ToArray();
        var secret = line.TotpSecret is { } base32 ? secrets.Seal(TotpSecrets.Normalize(base32)!) : null;
        return repeated.Length == 0
            ? (new(user, identities, passkeys, secret, now), [])
            : (null, [.. repeated.Select(k => Problems.Failure(k.Member, ImportErrors.Repeated))]);
    }

    static ErrorCode? Objection(string? hash, string? algorithm)
    {
        if (hash is null)
            return ImportErrors.SaltUnexpected;
        var imported = ImportedHash.Read(hash);
        if (imported is { IsTooCostly: true })
            return ImportErrors.HashTooCostly;
        if (hash.Length > 0 && imported is null && !PasswordHasher.IsBcrypt(hash))
            return ImportErrors.HashUnknown;
        return algorithm is null || hash.Length == 0
            || algorithm.StartsWith(imported?.Algorithm ?? "bcrypt", StringComparison.OrdinalIgnoreCase)
                ? null : ImportErrors.HashOfOtherAlgorithm;
    }

    // What no two users share.
    static IEnumerable<(string Member, string Value)> Keys(User user)
    {
        yield return ("email", user.NormalizedEmail!);
        if (user.ExternalId is { } externalId)
            yield return ("external_id", externalId);
        if (user.Profile.Username is { } username)
            yield return ("username", username);
    }

    static long HashOf(string member, string value) =>
        BitConverter.ToInt64(SHA256.HashData(Encoding.UTF8.GetBytes($"{member}\n{value}")));
}
