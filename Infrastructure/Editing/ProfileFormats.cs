using System.Collections.Frozen;
using System.Globalization;
using System.Text.RegularExpressions;
using Profiles.Data;

namespace Profiles.Infrastructure.Editing;

/// <summary>The formats of a profile's fields: patterns, and methods that return the stored form of what a client sends.</summary>
static partial class ProfileFormats
{
    public const string UsernamePattern = @"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*";

    public const string PhonePattern = @"\+[1-9][0-9]{6,14}";

    public const string LocalePattern = "[A-Za-z0-9]+(-[A-Za-z0-9]+)*";

    public const string TimeZonePattern = "[A-Za-z][A-Za-z0-9_+/-]*";

    /// <summary>Line feeds and tabs are the only control characters of a bio.</summary>
    public const string BioPattern = @"^[^\u0000-\u0008\u000b-\u001f\u007f-\u009f]*$";

    // The API document's patterns of requests, in the many ways in which people and systems write; the methods below are stricter.
    public const string SentBioPattern = @"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$";
    public const string SentPhonePattern = @"^[^A-Za-z0-9]*\+[^A-Za-z]+$";
    public const string SentLocalePattern = "^[A-Za-z][A-Za-z0-9_#-]+([@.].*)?$";

    // RFC 5646, 2.1, with its irregular tags; the regular ones of 2.2.8 have the form of a langtag.
    const string Langtag = "([a-z]{2,3}(-[a-z]{3}){0,3}|[a-z]{4}|[a-z]{5,8})(-[a-z]{4})?(-([a-z]{2}|[0-9]{3}))?"
        + "(-([a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*(-[a-wy-z0-9](-[a-z0-9]{2,8})+)*(-x(-[a-z0-9]{1,8})+)?";
    const string PrivateUse = "x(-[a-z0-9]{1,8})+";
    const string Irregular = "en-gb-oed|i-ami|i-bnn|i-default|i-enochian|i-hak|i-klingon|i-lux|i-mingo|i-navajo|i-pwn|i-tao|i-tay|i-tsu"
        + "|sgn-be-fr|sgn-be-nl|sgn-ch-de";

    // Parts of the service's own addresses, and names that could pass for the service.
    static readonly FrozenSet<string> Reserved = FrozenSet.Create(StringComparer.OrdinalIgnoreCase,
        "about", "abuse", "account", "admin", "administrator", "anonymous", "api", "contact", "email", "everyone", "health", "help",
        "hostmaster", "image", "info", "login", "logout", "mail", "me", "moderator", "nobody", "noreply", "null", "official", "openapi",
        "password", "photo", "postmaster", "privacy", "profile", "profiles", "register", "root", "security", "service", "sessions",
        "settings", "staff", "static", "status", "support", "swagger", "sysadmin", "system", "team", "terms", "token", "undefined",
        "upload", "user", "username", "users", "webmaster");

    public static bool IsUsername(string text) =>
        text.Length is >= UserProfile.UsernameMinLength and <= UserProfile.UsernameMaxLength && Username().IsMatch(text);

    public static bool IsReserved(string username) => Reserved.Contains(username);

    /// <summary>Returns the number as E.164 without what people and address books write between digits; null when it is invalid.</summary>
    public static string? NormalizePhone(string text)
    {
        // Ambiguous: Italy dials this zero, Germany does not.
        if (text.Contains("(0)", StringComparison.Ordinal))
            return null;
        var digits = string.Concat(text.Where(c => !IsBetweenDigits(c)));
        return Phone().IsMatch(digits) ? digits : null;
    }

    /// <summary>
    /// Returns the tag in the case of RFC 5646, 2.1.1; null when it is not well-formed by 2.2.9. The language need not exist. Accepts what
    /// devices send: underscores (<c>zh_Hans_CN</c>, Java's <c>zh_CN_#Hans</c>) and a system's own suffix (<c>en_US@rg=gbzzzz</c>,
    /// <c>de_DE.UTF-8</c>), which it drops.
    /// </summary>
    public static string? NormalizeLocale(string text)
    {
        var end = text.AsSpan().IndexOfAny('@', '.');
        var tag = (end > 0 ? text[..end] : text).Replace('_', '-');
        if (JavaLocale().Match(tag) is { Success: true } java)
        {
            var (language, script) = (java.Groups["language"].Value, java.Groups["script"].Value);
            var rest = java.Groups["rest"].Value.Trim('-');
            tag = rest.Length > 0 ? $"{language}-{script}-{rest}" : $"{language}-{script}";
        }
        if (!tag.All(char.IsAscii) || !Locale().IsMatch(tag.ToLowerInvariant()))
            return null;
        var subtags = tag.ToLowerInvariant().Split('-');
        var single = Array.FindIndex(subtags, s => s.Length == 1);
        for (var i = 1; i < (single < 0 ? subtags.Length : single); i++)
        {
            subtags[i] = subtags[i].Length switch
            {
                2 => subtags[i].ToUpperInvariant(),
                4 => char.ToUpperInvariant(subtags[i][0]) + subtags[i][1..],
                _ => subtags[i],
            };
        }
        return string.Join('-', subtags);
    }

    /// <summary>Returns the text with line feeds as its only line ends.</summary>
    public static string NormalizeBio(string text) => text.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');

    /// <summary>Returns the date; null when the text is not in the format.</summary>
    public static DateOnly? ParseDate(string text) => text.Length == ProfileFields.DateFormat.Length
        && DateOnly.TryParseExact(text, ProfileFields.DateFormat, CultureInfo.InvariantCulture, DateTimeStyles.None, out var date)
            ? date : null;

    /// <summary>Returns today's date in the time zone that is furthest ahead, UTC+14.</summary>
    public static DateOnly LatestToday(TimeProvider clock) => DateOnly.FromDateTime(clock.GetUtcNow().UtcDateTime.AddHours(14));

    // Blanks, hyphens and brackets of every script, dots, slashes, and the invisible marks that devices put around a number for direction.
    static bool IsBetweenDigits(char c) => c is '(' or ')' or '[' or ']' or '\uFF08' or '\uFF09' or '.' or '/' or '\t' or '\u2212'
        || c is (>= '\u200B' and <= '\u200F') or (>= '\u202A' and <= '\u202E') or (>= '\u2060' and <= '\u2069')
        || c is '\u061C' or '\uFEFF' or '\u00AD'
        || char.GetUnicodeCategory(c) is UnicodeCategory.SpaceSeparator or UnicodeCategory.DashPunctuation;

    [GeneratedRegex($@"^{UsernamePattern}\z", RegexOptions.NonBacktracking)]
    private static partial Regex Username();

    [GeneratedRegex($@"^{PhonePattern}\z", RegexOptions.NonBacktracking)]
    private static partial Regex Phone();

    // java.util.Locale.toString puts the script after the region and the variant.
    [GeneratedRegex(@"^(?<language>[A-Za-z]{2,8})-(?<rest>.*)#(?<script>[A-Za-z]{4})\z", RegexOptions.NonBacktracking)]
    private static partial Regex JavaLocale();

    [GeneratedRegex($@"^({Langtag}|{PrivateUse}|{Irregular})\z", RegexOptions.NonBacktracking)]
    private static partial Regex Locale();
}
