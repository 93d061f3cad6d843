using Profiles.Data;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Json;

namespace Profiles.Infrastructure.Importing;

/// <summary>Why a line is refused, beside what a client would be told. The status says nothing here.</summary>
static class ImportErrors
{
    public static readonly ErrorCode LineTooLong = new("line_too_long", 400, $"A line has at most {StrictJson.MaxBodyBytes} bytes.");

    public static readonly ErrorCode ExternalIdInvalid = new(
        "external_id_invalid", 400, $"An external_id has 1 to {User.ExternalIdMaxLength} characters, and no control characters.");

    public static readonly ErrorCode IdentitiesInvalid = new(
        "identities_invalid", 400,
        $"identities are at most {Identity.MostPerUser} objects with a provider (lower-case letters, digits, hyphens and underscores), its "
            + "subject for the person and, if known, an email.");

    public static readonly ErrorCode PasskeysInvalid = new(
        "passkeys_invalid", 400,
        $"passkeys are at most {Passkey.MostPerUser} objects with a credential_id, a public_key in COSE form (ES256, EdDSA or RS256), a "
            + "user_handle and backup_eligible.");

    public static readonly ErrorCode TotpSecretInvalid = new(
        "totp_secret_invalid", 400, "A totp_secret is 10 to 64 bytes in Base32, of an app with SHA-1, six digits and 30 seconds.");

    public static readonly ErrorCode TimeInvalid = new("time_invalid", 400, "A time is neither before 1970 nor in the future.");

    public static readonly ErrorCode Repeated = new("repeated", 400, "An earlier line of the file has it.");

    public static readonly ErrorCode HashUnknown = new(
        "hash_unknown", 400, "This is no hash of bcrypt (cost 4 to 16), argon2id, PBKDF2 or Firebase's scrypt in a known format.");

    public static readonly ErrorCode HashTooCostly = new(
        "hash_too_costly", 400, "Verifying this hash would take more memory or time than a login may.");

    public static readonly ErrorCode HashOfOtherAlgorithm = new(
        "hash_of_other_algorithm", 400, "password_algorithm names another algorithm than that of the hash.");

    public static readonly ErrorCode SaltUnexpected = new(
        "salt_unexpected", 400, "Only a hash of Firebase has a password_salt, and --firebase gives its parameters.");
}
