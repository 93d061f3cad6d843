using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Profiles.Data;

namespace Profiles.Infrastructure.Errors;

/// <summary>One kind of error: a code for programs, the HTTP status and a sentence for people.</summary>
sealed record ErrorCode(string Code, int Status, string Sentence);

/// <summary>
/// Every error that a client can get. <c>docs/errors.md</c> and the enum in the API document are generated from this list. A code never
/// changes its meaning, because clients compare it.
/// </summary>
static class ErrorCodes
{
    // The request as a whole, on every route.
    public static readonly ErrorCode MalformedRequest = Of(400, "The request is not well-formed.");
    public static readonly ErrorCode MalformedJson = Of(400, "The body must be one JSON object in UTF-8, without duplicate members.");
    public static readonly ErrorCode InvalidAccessToken = Of(
        401, "A valid access token is needed: send it as \"Authorization: Bearer <access_token>\".");
    public static readonly ErrorCode NotFound = Of(404, "There is nothing at this address.");
    public static readonly ErrorCode MethodNotAllowed = Of(
        405, "This address does not know this method; the Allow header lists those that it knows.");
    public static readonly ErrorCode RequestTimeout = Of(408, "The request took too long to arrive.");
    public static readonly ErrorCode BodyTooLarge = Of(413, "The request's body is too large.");
    public static readonly ErrorCode UnsupportedMediaType = Of(415, "The request's Content-Type is not supported here.");
    public static readonly ErrorCode RateLimited = Of(
        429, "There were too many of these. Try again later; Retry-After says in how many seconds.");
    public static readonly ErrorCode UnsupportedContentEncoding = Of(
        415, "The request's Content-Encoding is not decoded here; the Accept-Encoding header lists those that are.");
    public static readonly ErrorCode HeadersTooLarge = Of(431, "The request's headers are too large.");
    public static readonly ErrorCode InternalError = Of(500, "Something went wrong on the server.");
    public static readonly ErrorCode ServiceBusy = Of(503, "The service is busy. Try again in a moment.");
    public static readonly ErrorCode ServiceNotReady = Of(503, "The service is not ready.");
    public static readonly ErrorCode StorageFull = Of(507, "The service has no room left to store this.");

    public static readonly ErrorCode InvalidIdempotencyKey = Of(
        400, "An Idempotency-Key is one header of 1 to 255 printable ASCII characters.");
    public static readonly ErrorCode RequestUnderWay = Of(409, "The first request with this Idempotency-Key is under way.");
    public static readonly ErrorCode IdempotencyKeyReused = Of(422, "This Idempotency-Key was used for another request.");

    // Accounts and sessions.
    public static readonly ErrorCode EmailTaken = Of(409, "Email already registered");
    public static readonly ErrorCode NotAGuest = Of(409, "This account is no guest's: it has a way in already.");
    public static readonly ErrorCode InvalidCredentials = Of(401, "Invalid email or password");
    public static readonly ErrorCode AccountDisabled = Of(401, "This account is disabled: ask those who run the service.");
    public static readonly ErrorCode MfaRequired = Of(403, "A second factor is needed: send its code with mfa_token to /login/mfa.");
    public static readonly ErrorCode InvalidCode = Of(401, "This code is wrong, or not valid any more.");
    public static readonly ErrorCode InsufficientUserAuthentication = Of(
        401, "This needs a login of the last ten minutes, with the second factor if there is one: log in again.");
    public static readonly ErrorCode WrongPassword = Of(403, "The password is wrong");
    public static readonly ErrorCode WrongCode = Of(403, "The code is wrong, or too old");
    public static readonly ErrorCode MfaEnabled = Of(409, "There is a second factor already: remove it first.");
    public static readonly ErrorCode MfaNotEnabled = Of(409, "There is no second factor to confirm, to remove or to renew codes for.");
    public static readonly ErrorCode WayInNeeded = Of(409, "A guest cannot log in again: add a way to log in first.");
    public static readonly ErrorCode EmailUnverified = Of(
        409, "Confirm the e-mail address first: POST /email/verify/resend sends another mail.");
    public static readonly ErrorCode EmailNeeded = Of(409, "A password needs an e-mail address to log in with: add one first.");
    public static readonly ErrorCode InvalidRefreshToken = Of(401, "Invalid or expired refresh token");
    public static readonly ErrorCode InvalidToken = Of(400, "This token is not valid, or not any more: ask for another mail.");
    public static readonly ErrorCode ProviderUnknown = Of(400, "There is no provider of this name, or it is not turned on.");
    public static readonly ErrorCode InvalidIdToken = Of(
        401, "This identity token is not valid, or not any more, or was used before: ask the provider for another.");
    public static readonly ErrorCode AccountExists = Of(
        409, "The address has an account: log in to it and link the provider there.");
    public static readonly ErrorCode IdentityTaken = Of(409, "This identity is linked to an account already.");
    public static readonly ErrorCode TooManyIdentities = Of(409, $"An account has at most {Identity.MostPerUser} identities.");
    public static readonly ErrorCode IdentityNotFound = Of(404, "There is no such identity");
    public static readonly ErrorCode LastWayIn = Of(409, "This is the last way to log in to the account: add another one first.");
    public static readonly ErrorCode InvalidPasskey = Of(401, "This passkey does not log in here, or not any more: try another way.");
    public static readonly ErrorCode PasskeyRefused = Of(400, "This is no valid answer of an authenticator: ask for new options.");
    public static readonly ErrorCode PasskeyTaken = Of(409, "This passkey is registered already.");
    public static readonly ErrorCode TooManyPasskeys = Of(409, $"An account has at most {Passkey.MostPerUser} passkeys: remove one.");
    public static readonly ErrorCode PasskeyNotFound = Of(404, "There is no such passkey");
    public static readonly ErrorCode SessionNotFound = Of(404, "There is no such session");

    // The admin API.
    public static readonly ErrorCode InvalidAdminKey = Of(
        401, "A valid admin key is needed: send it as \"Authorization: Bearer <admin key>\".");
    public static readonly ErrorCode InsufficientScope = Of(403, "The admin key does not have the scope that this needs.");
    public static readonly ErrorCode NoSuchUser = Of(404, "There is no such user");
    public static readonly ErrorCode NoAddress = Of(409, "The account has no e-mail address");

    // Profiles.
    public static readonly ErrorCode UserNotFound = Of(404, "There is nobody of this name, or nobody who shows it.");
    public static readonly ErrorCode UsernameTaken = Of(409, "Username already taken");
    public static readonly ErrorCode ProfileChanged = Of(412, "The profile has changed since: read it again.");
    public static readonly ErrorCode NothingToChange = Of(400, "There is nothing to change: send a field of the profile.");

    // Images.
    public static readonly ErrorCode ImageNotFound = Of(404, "User has no profile image");
    public static readonly ErrorCode InvalidImage = Of(400, "Invalid file format");
    public static readonly ErrorCode TooManyPixels = Of(400, "The image has more pixels than are decoded.");
    public static readonly ErrorCode ImageTooCostly = Of(400, "The picture could not be decoded within the limits of time and memory.");
    public static readonly ErrorCode ImageTooLarge = Of(413, "The image has more bytes than are taken.");
    public static readonly ErrorCode ImageUploadFailed = Of(500, "Error uploading image");
    public static readonly ErrorCode ImageDeleteFailed = Of(500, "Error deleting image from Cloudinary");
    public static readonly ErrorCode ImageUnavailable = Of(503, "The picture cannot be read now: try again in a moment.");
    public static readonly ErrorCode InvalidForm = Of(400, "The multipart body is damaged or cut off.");
    public static readonly ErrorCode OneFileRequired = Of(400, "Send exactly one file, in a part named image, file or photo.");

    // Parameters of the admin API.
    public static readonly ErrorCode QueryInvalid = Of(
        400, $"A query has 1 to {User.ExternalIdMaxLength} characters, none of them a control character.");
    public static readonly ErrorCode CursorInvalid = Of(400, "This is not the next_cursor of an answer to the same question.");
    public static readonly ErrorCode LimitInvalid = Of(400, "A limit is a whole number from 1 to 100.");
    public static readonly ErrorCode UserIdInvalid = Of(400, "A user's id is a positive whole number.");

    // Single fields, in error_codes under the field's name.
    public static readonly ErrorCode WrongType = Of(400, "The value has the wrong type or is not valid text.");
    public static readonly ErrorCode NullNotAllowed = Of(400, "Null is not a value here: PATCH removes a field.");
    public static readonly ErrorCode NameRequired = Of(400, "A name is needed.");
    public static readonly ErrorCode NameTooLong = Of(400, $"A name has at most {UserProfile.NameMaxLength} characters.");
    public static readonly ErrorCode NameInvalid = Of(400, "A name has no control characters.");
    public static readonly ErrorCode NameMisleading = Of(
        400, "A name has no characters that change the direction of the text, and no hidden ones.");
    public static readonly ErrorCode NameInvisible = Of(400, "A name has a letter, a digit or a symbol that can be seen.");
    public static readonly ErrorCode EmailRequired = Of(400, "An e-mail address is needed.");
    public static readonly ErrorCode EmailTooLong = Of(400, $"An e-mail address has at most {User.EmailMaxLength} characters.");
    public static readonly ErrorCode EmailInvalid = Of(400, "This is not an e-mail address.");
    public static readonly ErrorCode PasswordRequired = Of(400, "A password is needed.");
    public static readonly ErrorCode PasswordTooShort = Of(400, "A password has more characters than that.");
    public static readonly ErrorCode PasswordTooLong = Of(400, $"A password has at most {User.PasswordMaxBytes} bytes in UTF-8.");
    public static readonly ErrorCode PasswordInvalid = Of(400, "A password has no NUL characters.");
    public static readonly ErrorCode PasswordTooCommon = Of(
        400, "This password is one of the most common ones: a stranger would try it first.");
    public static readonly ErrorCode PasswordIsEmail = Of(
        400, "A password must not be your e-mail address, or the part of it before the @.");
    public static readonly ErrorCode PasswordIsServiceName = Of(400, "A password must not be the name of this service.");
    public static readonly ErrorCode CurrentPasswordRequired = Of(400, "The current password is needed.");
    public static readonly ErrorCode MfaTokenRequired = Of(400, "The mfa_token of the login's answer is needed.");
    public static readonly ErrorCode CodeRequired = Of(400, "A code is needed.");
    public static readonly ErrorCode CodeMalformed = Of(400, "A code has six digits.");
    public static readonly ErrorCode OneCodeRequired = Of(400, "Send either the code of the app or a recovery code.");
    public static readonly ErrorCode RecoveryCodeInvalid = Of(400, "A recovery code has at most 40 characters.");
    public static readonly ErrorCode TokenRequired = Of(400, "The token of the mail is needed.");
    public static readonly ErrorCode IdTokenRefused = Of(
        400, "This identity token is not valid, or not any more, or was used before: ask the provider for another, and link that.");
    public static readonly ErrorCode IdTokenMalformed = Of(400, "An identity token is three parts in Base64url, with dots between them.");
    public static readonly ErrorCode NonceInvalid = Of(400, "A nonce is 1 to 255 printable ASCII characters.");
    public static readonly ErrorCode AuthorizationCodeInvalid = Of(
        400, "An authorization code is letters, digits, dots, hyphens, underscores and tildes.");
    public static readonly ErrorCode TokenOrCode = Of(400, "Send either the token of the mail or request_token, address and code.");
    public static readonly ErrorCode RequestTokenRequired = Of(400, "The request_token of the request that sent the code is needed.");
    public static readonly ErrorCode RefreshTokenRequired = Of(400, "A refresh token is needed.");
    public static readonly ErrorCode DeviceTooLong = Of(400, $"A device's name has at most {Session.DeviceMaxLength} characters.");
    public static readonly ErrorCode DeviceInvalid = Of(400, "A device's name has no control characters.");
    public static readonly ErrorCode DeviceMisleading = Of(
        400, "A device's name has no characters that change the direction of the text, and no hidden ones.");
    public static readonly ErrorCode UsernameWrongLength = Of(
        400, $"A username has {UserProfile.UsernameMinLength} to {UserProfile.UsernameMaxLength} characters.");
    public static readonly ErrorCode UsernameInvalid = Of(
        400, "A username is made of the letters a to z, digits, underscores and single dots between them.");
    public static readonly ErrorCode UsernameReserved = Of(400, "This username is reserved.");
    public static readonly ErrorCode BioTooLong = Of(400, $"A bio has at most {UserProfile.BioMaxLength} characters.");
    public static readonly ErrorCode BioInvalid = Of(400, "A bio has no control characters but line feeds and tabs.");
    public static readonly ErrorCode PhoneInvalid = Of(
        400, "A phone number is a plus sign and 7 to 15 digits, country code first (E.164).");
    public static readonly ErrorCode BirthDateInvalid = Of(400, "A date of birth is written as 1990-05-17.");
    public static readonly ErrorCode BirthDateTooEarly = Of(400, $"A date of birth is not before {UserProfile.EarliestBirthDate.Year}.");
    public static readonly ErrorCode BirthDateInFuture = Of(400, "A date of birth is not in the future.");
    public static readonly ErrorCode LocaleInvalid = Of(400, "A locale is a language tag such as en or pt-BR (BCP 47).");
    public static readonly ErrorCode TimeZoneUnknown = Of(400, "A time zone is a name of the IANA database such as Europe/Berlin.");
    public static readonly ErrorCode MetadataInvalid = Of(400, "Metadata is a JSON object without NUL characters.");
    public static readonly ErrorCode MetadataTooLarge = Of(
        400, $"Metadata has at most {UserProfile.MetadataMaxBytes} bytes as JSON in UTF-8.");

    /// <summary>All of them, in the order above.</summary>
    public static readonly IReadOnlyList<ErrorCode> All =
        [
            .. typeof(ErrorCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
                .Where(f => f.FieldType == typeof(ErrorCode)).Select(f => (ErrorCode)f.GetValue(null)!),
        ];

    /// <summary>The default error of a status.</summary>
    public static ErrorCode OfStatus(int status) => status switch
    {
        401 => InvalidAccessToken,
        403 => WrongPassword,
        404 => NotFound,
        405 => MethodNotAllowed,
        408 => RequestTimeout,
        409 => RequestUnderWay,
        412 => ProfileChanged,
        413 => BodyTooLarge,
        415 => UnsupportedMediaType,
        422 => IdempotencyKeyReused,
        429 => RateLimited,
        431 => HeadersTooLarge,
        503 => ServiceBusy,
        507 => StorageFull,
        < 500 => MalformedRequest,
        _ => InternalError,
    };

    static ErrorCode Of(int status, string sentence, [CallerMemberName] string name = "") =>
        new(JsonNamingPolicy.SnakeCaseLower.ConvertName(name), status, sentence);
}
