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

    public string? Name { get; init => field = Note(value); }

    public string? Email { get; init => field = Note(value); }

    /// <summary>No field of the profile: who wants another address has to know it.</summary>
    public string? CurrentPassword { get; init; }

    public string? Username { get; init => field = Note(value); }

    public string? Bio { get; init => field = Note(value); }

    public string? Phone { get; init => field = Note(value); }

    public string? BirthDate { get; init => field = Note(value); }

    public string? Locale { get; init => field = Note(value); }

    public string? TimeZone { get; init => field = Note(value); }

    public JsonElement? Metadata { get; init => field = Note(value); }

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
