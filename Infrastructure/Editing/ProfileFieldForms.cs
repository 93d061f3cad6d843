using System.Collections.Frozen;
using System.Globalization;
using System.Text.RegularExpressions;
using Profiles.Data;

namespace Profiles.Infrastructure.Editing;

/// <summary>The forms of a profile's fields. A username's is also that of an address: what has not the form need not be looked for.</summary>
static partial class ProfileFieldForms
{
    public const string UsernameForm = @"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*";

    public const string PhoneForm = @"\+[1-9][0-9]{6,14}";

    // RFC 5646, 2.1, with its irregular tags; the regular ones of 2.2.8 have the form of a langtag.
    const string Langtag = "([a-z]{2,3}(-[a-z]{3}){0,3}|[a-z]{4}|[a-z]{5,8})(-[a-z]{4})?(-([a-z]{2}|[0-9]{3}))?(-([a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*(-[a-wy-z0-9](-[a-z0-9]{2,8})+)*(-x(-[a-z0-9]{1,8})+)?";
    const string PrivateUse = "x(-[a-z0-9]{1,8})+";
    const string Irregular = "en-gb-oed|i-ami|i-bnn|i-default|i-enochian|i-hak|i-klingon|i-lux|i-mingo|i-navajo|i-pwn|i-tao|i-tay|i-tsu|sgn-be-fr|sgn-be-nl|sgn-ch-de";

    // They are part of an address of ours, or could be taken for us.
    static readonly FrozenSet<string> Reserved = FrozenSet.Create(StringComparer.OrdinalIgnoreCase,
        "about", "abuse", "account", "admin", "administrator", "anonymous", "api", "contact", "email", "everyone", "health", "help", "hostmaster", "image", "info", "login", "logout", "mail", "me",
        "moderator", "nobody", "noreply", "null", "official", "openapi", "password", "photo", "postmaster", "privacy", "profile", "profiles", "register", "root", "security", "service", "sessions", "settings",
        "staff", "static", "status", "support", "swagger", "sysadmin", "system", "team", "terms", "token", "undefined", "upload", "user", "username", "users", "webmaster");

    public static bool IsUsername(string text) => text.Length is >= UserProfile.UsernameMinLength and <= UserProfile.UsernameMaxLength && Username().IsMatch(text);

    public static bool IsReserved(string username) => Reserved.Contains(username);

    /// <summary>E.164 with its plus sign.</summary>
    public static bool IsPhone(string text) => Phone().IsMatch(text);

    /// <summary>Well-formed by RFC 5646, 2.2.9; whether there is such a language is not asked.</summary>
    public static bool IsLocale(string text) => text.All(char.IsAscii) && Locale().IsMatch(text.ToLowerInvariant());

    /// <summary>Null when it is not a date in the one form.</summary>
    public static DateOnly? ReadDate(string text) =>
        text.Length == ProfileFields.DateForm.Length && DateOnly.TryParseExact(text, ProfileFields.DateForm, CultureInfo.InvariantCulture, DateTimeStyles.None, out var date) ? date : null;

    /// <summary>The latest date that anybody has now: the earliest zone is 14 hours before UTC.</summary>
    public static DateOnly LatestToday(TimeProvider clock) => DateOnly.FromDateTime(clock.GetUtcNow().UtcDateTime.AddHours(14));

    [GeneratedRegex($@"^{UsernameForm}\z", RegexOptions.NonBacktracking)]
    private static partial Regex Username();

    [GeneratedRegex($@"^{PhoneForm}\z", RegexOptions.NonBacktracking)]
    private static partial Regex Phone();

    [GeneratedRegex($@"^({Langtag}|{PrivateUse}|{Irregular})\z", RegexOptions.NonBacktracking)]
    private static partial Regex Locale();
}
