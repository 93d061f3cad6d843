using System.ComponentModel.DataAnnotations;
using System.Linq.Expressions;
using System.Reflection;
using System.Text.Json;
using FastEndpoints;
using FluentValidation;
using Profiles.Data;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Json;
using Profiles.Infrastructure.Validation;

namespace Profiles.Infrastructure.Editing;

/// <summary>What a client may change of a profile. A field that was sent as null is told from one that was not sent.</summary>
abstract record ProfileFields
{
    /// <summary>ISO 8601.</summary>
    public const string DateFormat = "yyyy-MM-dd";

    static readonly PropertyInfo[] Optionals = [.. typeof(ProfileFields).GetProperties().Where(p => p.PropertyType.IsAssignableTo(typeof(IOptional)))];

    /// <summary>Spaces around it are cut off and not counted. It has a letter, a digit or a symbol that can be seen, and nothing that changes the direction of the text.</summary>
    public Optional<string> Name { get; init; }

    /// <summary>Compared without regard to case; blanks around it are cut off and not counted.</summary>
    public Optional<string> Email { get; init; }

    /// <summary>Needed beside another `email`; otherwise not looked at.</summary>
    [DataType(DataType.Password)]
    public string? CurrentPassword { get; init; }

    /// <summary>Compared without regard to case, kept in lower case.</summary>
    public Optional<string> Username { get; init; }

    /// <summary>A line end counts as one character however it is written; it is kept as a line feed.</summary>
    public Optional<string> Bio { get; init; }

    /// <summary>A plus sign and the number, country code first, with blanks, hyphens and brackets as people write them; kept as E.164.</summary>
    public Optional<string> Phone { get; init; }

    /// <summary>Not before 1900, and not in the future.</summary>
    [DataType(DataType.Date)]
    public Optional<string> BirthDate { get; init; }

    /// <summary>A well-formed language tag (BCP 47), in any case, with hyphens or underscores; kept as RFC 5646 writes it.</summary>
    public Optional<string> Locale { get; init; }

    /// <summary>A name of the IANA database, in any case; kept as the database spells it.</summary>
    public Optional<string> TimeZone { get; init; }

    /// <summary>The app's own object, at most 16384 bytes as JSON in UTF-8; no NUL characters.</summary>
    public Optional<JsonElement> Metadata { get; init; }

    /// <summary>Whether everybody may see the public part at `/users/{username}`.</summary>
    public Optional<bool> IsPublic { get; init; }

    /// <summary>Whether any field was sent.</summary>
    public bool HasAny() => Sent().Any();

    /// <summary>The names of the fields that were sent as null.</summary>
    public IEnumerable<string> Nulls() => Sent().Where(f => f.Value.IsNull).Select(f => f.Name);

    /// <summary>
    /// Takes over what was sent, each field in its one form. Not the address, which <see cref="ProfileChange"/> changes, nor the metadata: one
    /// change replaces them, the other merges.
    /// </summary>
    public void ApplyTo(User user)
    {
        var profile = user.Profile;
        profile.Name = Name.Value?.Trim() ?? profile.Name;
        profile.Username = Username.Or(profile.Username, UserProfile.Normalize);
        profile.Bio = Bio.Or(profile.Bio, ProfileFieldFormats.ReadBio);
        profile.Phone = Phone.Or(profile.Phone, ProfileFieldFormats.ReadPhone);
        profile.BirthDate = BirthDate.Or(profile.BirthDate, ProfileFieldFormats.ReadDate);
        profile.Locale = Locale.Or(profile.Locale, ProfileFieldFormats.ReadLocale);
        profile.TimeZone = TimeZone.Or(profile.TimeZone, TimeZoneNames.Find);
        profile.IsPublic = IsPublic.Or(profile.IsPublic, isPublic => isPublic);
    }

    IEnumerable<(string Name, IOptional Value)> Sent() =>
        Optionals.Select(p => (p.Name, Value: (IOptional)p.GetValue(this)!)).Where(f => f.Value.IsSent);
}

/// <summary>What holds for the fields of a profile however they are sent. It stands beside them, so that a new field has one place.</summary>
abstract class ProfileFieldsValidator<T> : Validator<T> where T : ProfileFields
{
    protected ProfileFieldsValidator(TimeProvider clock)
    {
        Field(r => r.Name, name => name.PersonName(), alsoNull: true);
        Field(r => r.Email, email => email.EmailAddress(), alsoNull: true);
        RuleFor(r => r.CurrentPassword).WithoutNul().WithError(ErrorCodes.PasswordInvalid);
        Field(r => r.Username, username => username.Cascade(CascadeMode.Stop)
            .Characters(UserProfile.UsernameMinLength, UserProfile.UsernameMaxLength, u => u.Length).WithError(ErrorCodes.UsernameWrongLength)
            .Pattern($"^{ProfileFieldFormats.UsernamePattern}$", ProfileFieldFormats.IsUsername).WithError(ErrorCodes.UsernameInvalid)
            .Must(u => !ProfileFieldFormats.IsReserved(u!)).WithError(ErrorCodes.UsernameReserved));
        Field(r => r.Bio, bio => bio.Cascade(CascadeMode.Stop)
            .Characters(0, UserProfile.BioMaxLength, b => TextRules.CodePoints(ProfileFieldFormats.ReadBio(b))).WithError(ErrorCodes.BioTooLong)
            .Pattern(ProfileFieldFormats.SentBioPattern, b => !ProfileFieldFormats.ReadBio(b).Any(c => char.IsControl(c) && c is not ('\n' or '\t')))
            .WithError(ErrorCodes.BioInvalid));
        Field(r => r.Phone, phone => phone
            .Pattern(ProfileFieldFormats.SentPhonePattern, p => ProfileFieldFormats.ReadPhone(p) is not null).WithError(ErrorCodes.PhoneInvalid));
        Field(r => r.BirthDate, date => date.Cascade(CascadeMode.Stop)
            .Characters(ProfileFields.DateFormat.Length, ProfileFields.DateFormat.Length, d => d.Length).WithError(ErrorCodes.BirthDateInvalid)
            .Must(d => ProfileFieldFormats.ReadDate(d!) is not null).WithError(ErrorCodes.BirthDateInvalid)
            .Must(d => ProfileFieldFormats.ReadDate(d!) >= UserProfile.EarliestBirthDate).WithError(ErrorCodes.BirthDateTooEarly)
            .Must(d => ProfileFieldFormats.ReadDate(d!) <= ProfileFieldFormats.LatestToday(clock)).WithError(ErrorCodes.BirthDateInFuture));
        Field(r => r.Locale, locale => locale
            .Pattern(ProfileFieldFormats.SentLocalePattern, l => ProfileFieldFormats.ReadLocale(l) is { Length: <= UserProfile.LocaleMaxLength })
            .WithError(ErrorCodes.LocaleInvalid));
        Field(r => r.TimeZone, zone => zone.Cascade(CascadeMode.Stop)
            .Characters(2, UserProfile.TimeZoneMaxLength).WithError(ErrorCodes.TimeZoneUnknown)
            .Pattern($"^{ProfileFieldFormats.TimeZonePattern}$", z => TimeZoneNames.Find(z) is not null).WithError(ErrorCodes.TimeZoneUnknown));
        Field(r => r.Metadata, metadata => metadata.Custom((m, context) =>
        {
            if (MetadataText.Objection(m) is { } objection)
                context.AddFailure(Problems.Failure(context.PropertyPath, ErrorCodes.MetadataInvalid, objection));
        }));
    }

    // The rules of a field that was sent with a value; its failures have the field's own name.
    void Field<TField>(Expression<Func<T, Optional<TField>>> field, Action<IRuleBuilderInitial<T, TField?>> rules, bool alsoNull = false)
    {
        var (read, property) = (field.Compile(), ((MemberExpression)field.Body).Member);
        var value = Expression.Lambda<Func<T, TField?>>(Expression.Property(field.Body, nameof(Optional<>.Value)), field.Parameters);
        When(r => read(r).HasValue || (alsoNull && read(r).IsNull), () => rules(RuleFor(value)
            .Configure(rule => rule.PropertyName = ValidatorOptions.Global.PropertyNameResolver(typeof(T), property, field))));
    }
}
