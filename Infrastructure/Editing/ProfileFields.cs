using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Profiles.Data;

namespace Profiles.Infrastructure.Editing;

/// <summary>What a client may change of a profile. A field that was sent as null is told from one that was not sent.</summary>
abstract record ProfileFields
{
    /// <summary>ISO 8601.</summary>
    public const string DateForm = "yyyy-MM-dd";

    readonly Dictionary<string, bool> sent = [];

    /// <summary>Spaces around it are cut off and not counted. It has a letter, a digit or a symbol that can be seen, and nothing that changes the direction of the text.</summary>
    public string? Name { get; init => field = Note(value); }

    /// <summary>Compared without regard to case; blanks around it are cut off and not counted.</summary>
    public string? Email { get; init => field = Note(value); }

    /// <summary>Needed beside another `email`; otherwise not looked at.</summary>
    [DataType(DataType.Password)]
    public string? CurrentPassword { get; init; }

    /// <summary>Compared without regard to case, kept in lower case.</summary>
    public string? Username { get; init => field = Note(value); }

    /// <summary>A line end counts as one character however it is written; it is kept as a line feed.</summary>
    public string? Bio { get; init => field = Note(value); }

    /// <summary>A plus sign and the number, country code first, with blanks, hyphens and brackets as people write them; kept as E.164.</summary>
    public string? Phone { get; init => field = Note(value); }

    /// <summary>Not before 1900, and not in the future.</summary>
    [DataType(DataType.Date)]
    public string? BirthDate { get; init => field = Note(value); }

    /// <summary>A well-formed language tag (BCP 47), in any case, with hyphens or underscores; kept as RFC 5646 writes it.</summary>
    public string? Locale { get; init => field = Note(value); }

    /// <summary>A name of the IANA database, in any case; kept as the database spells it.</summary>
    public string? TimeZone { get; init => field = Note(value); }

    /// <summary>The app's own object, at most 16384 bytes as JSON in UTF-8; no NUL characters.</summary>
    public JsonElement? Metadata { get; init => field = Note(value); }

    /// <summary>Whether everybody may see the public part at `/users/{username}`.</summary>
    public bool? IsPublic { get; init => field = Note(value); }

    /// <summary>Whether a property was sent, be it as null.</summary>
    public bool Has(string property) => sent.ContainsKey(property);

    public bool HasAny() => sent.Count > 0;

    /// <summary>The properties that were sent as null.</summary>
    public IEnumerable<string> Nulls() => sent.Where(s => s.Value).Select(s => s.Key);

    /// <summary>Takes over what was sent, all but the address, which <see cref="ProfileChange"/> changes, and the metadata: one change replaces them, the other merges. Each is kept in its one form.</summary>
    public void ApplyTo(User user)
    {
        var profile = user.Profile;
        profile.Name = Name?.Trim() ?? profile.Name;
        profile.Username = Has(nameof(Username)) ? UserProfile.Normalize(Username) : profile.Username;
        profile.Bio = Has(nameof(Bio)) ? Bio is null ? null : ProfileFieldForms.ReadBio(Bio) : profile.Bio;
        profile.Phone = Has(nameof(Phone)) ? Phone is null ? null : ProfileFieldForms.ReadPhone(Phone) : profile.Phone;
        if (Has(nameof(BirthDate)))
            profile.BirthDate = BirthDate is null ? null : DateOnly.ParseExact(BirthDate, DateForm, CultureInfo.InvariantCulture);
        profile.Locale = Has(nameof(Locale)) ? Locale is null ? null : ProfileFieldForms.ReadLocale(Locale) : profile.Locale;
        profile.TimeZone = Has(nameof(TimeZone)) ? TimeZone is null ? null : TimeZoneNames.Find(TimeZone) : profile.TimeZone;
        profile.IsPublic = Has(nameof(IsPublic)) ? IsPublic ?? false : profile.IsPublic;
    }

    T Note<T>(T value, [CallerMemberName] string property = "")
    {
        sent[property] = value is null;
        return value;
    }
}
