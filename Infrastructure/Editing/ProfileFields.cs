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

/// <summary>The fields of a profile that a client may change. Each distinguishes null from absent.</summary>
abstract record ProfileFields
{
    /// <summary>ISO 8601.</summary>
    public const string DateFormat = "yyyy-MM-dd";

    static readonly PropertyInfo[] Optionals =
        [.. typeof(ProfileFields).GetProperties().Where(p => p.PropertyType.IsAssignableTo(typeof(IOptional)))];

    /// <summary>
    /// Surrounding spaces are trimmed and not counted. At least one visible letter, digit or symbol; nothing that changes the direction of
    /// the text.
    /// </summary>
    public Optional<string> Name { get; init; }

    /// <summary>Case-insensitive; surrounding blanks are trimmed and not counted.</summary>
    public Optional<string> Email { get; init; }

    /// <summary>Required with a new `email`, unless the account has no password; ignored otherwise.</summary>
    [DataType(DataType.Password)]
    public string? CurrentPassword { get; init; }

    /// <summary>Case-insensitive; stored in lower case.</summary>
    public Optional<string> Username { get; init; }

    /// <summary>Every line end counts as one character and is stored as a line feed.</summary>
    public Optional<string> Bio { get; init; }

    /// <summary>A plus sign, the country code and the number; blanks, hyphens and brackets are allowed. Stored as E.164.</summary>
    public Optional<string> Phone { get; init; }

    /// <summary>Not before 1900, and not in the future.</summary>
    [DataType(DataType.Date)]
    public Optional<string> BirthDate { get; init; }

    /// <summary>A well-formed language tag (BCP 47), case-insensitive, with hyphens or underscores; stored as RFC 5646 writes it.</summary>
    public Optional<string> Locale { get; init; }

    /// <summary>A name of the IANA time zone database, case-insensitive; stored as the database spells it.</summary>
    public Optional<string> TimeZone { get; init; }

    /// <summary>The app's own object: at most 16384 bytes as JSON in UTF-8, no NUL characters.</summary>
    public Optional<JsonElement> Metadata { get; init; }

    /// <summary>Whether `/users/{username}` shows the public part to everybody.</summary>
    public Optional<bool> IsPublic { get; init; }

    public bool HasAny() => Sent().Any();

    /// <summary>Returns the names of the fields that were sent as null.</summary>
    public IEnumerable<string> Nulls() => Sent().Where(f => f.Value.IsNull).Select(f => f.Name);

    /// <summary>
    /// Writes the sent fields to the user, each in its stored form, except the address, which <see cref="ProfileChange"/> changes, and the
    /// metadata, which PUT replaces and PATCH merges.
    /// </summary>
    public void ApplyTo(User user)
    {
        var profile = user.Profile;
        profile.Name = Name.Value?.Trim() ?? profile.Name;
        profile.Username = Username.Or(profile.Username, UserProfile.Normalize);
        profile.Bio = Bio.Or(profile.Bio, ProfileFormats.NormalizeBio);
        profile.Phone = Phone.Or(profile.Phone, ProfileFormats.NormalizePhone);
        profile.BirthDate = BirthDate.Or(profile.BirthDate, ProfileFormats.ParseDate);
        profile.Locale = Locale.Or(profile.Locale, ProfileFormats.NormalizeLocale);
        profile.TimeZone = TimeZone.Or(profile.TimeZone, TimeZoneNames.Find);
        profile.IsPublic = IsPublic.Or(profile.IsPublic, isPublic => isPublic);
    }

    IEnumerable<(string Name, IOptional Value)> Sent() =>
        Optionals.Select(p => (p.Name, Value: (IOptional)p.GetValue(this)!)).Where(f => f.Value.IsSent);
}

/// <summary>The rules that PUT and PATCH share, in the file of the fields, so that a new field has one place.</summary>
abstract class ProfileFieldsValidator<T> : Validator<T> where T : ProfileFields
{
    protected ProfileFieldsValidator(TimeProvider clock)
    {
        Field(r => r.Name, name => name.PersonName(), alsoNull: true);
        Field(r => r.Email, email => email.EmailAddress(), alsoNull: true);
        RuleFor(r => r.CurrentPassword).WithoutNul().WithError(ErrorCodes.PasswordInvalid);
        Field(r => r.Username, username => username.Cascade(CascadeMode.Stop)
            .Characters(UserProfile.UsernameMinLength, UserProfile.UsernameMaxLength, u => u.Length)
            .WithError(ErrorCodes.UsernameWrongLength)
            .Pattern($"^{ProfileFormats.UsernamePattern}$", ProfileFormats.IsUsername).WithError(ErrorCodes.UsernameInvalid)
            .Must(u => !ProfileFormats.IsReserved(u!)).WithError(ErrorCodes.UsernameReserved));
        Field(r => r.Bio, bio => bio.Cascade(CascadeMode.Stop)
            .Characters(0, UserProfile.BioMaxLength, b => TextRules.CodePoints(ProfileFormats.NormalizeBio(b)))
            .WithError(ErrorCodes.BioTooLong)
            .Pattern(
                ProfileFormats.SentBioPattern,
                b => !ProfileFormats.NormalizeBio(b).Any(c => char.IsControl(c) && c is not ('\n' or '\t')))
            .WithError(ErrorCodes.BioInvalid));
        Field(r => r.Phone, phone => phone
            .Pattern(ProfileFormats.SentPhonePattern, p => ProfileFormats.NormalizePhone(p) is not null)
            .WithError(ErrorCodes.PhoneInvalid));
        Field(r => r.BirthDate, date => date.Cascade(CascadeMode.Stop)
            .Characters(ProfileFields.DateFormat.Length, ProfileFields.DateFormat.Length, d => d.Length)
            .WithError(ErrorCodes.BirthDateInvalid)
            .Must(d => ProfileFormats.ParseDate(d!) is not null).WithError(ErrorCodes.BirthDateInvalid)
            .Must(d => ProfileFormats.ParseDate(d!) >= UserProfile.EarliestBirthDate).WithError(ErrorCodes.BirthDateTooEarly)
            .Must(d => ProfileFormats.ParseDate(d!) <= ProfileFormats.LatestToday(clock)).WithError(ErrorCodes.BirthDateInFuture));
        Field(r => r.Locale, locale => locale
            .Pattern(
                ProfileFormats.SentLocalePattern, l => ProfileFormats.NormalizeLocale(l) is { Length: <= UserProfile.LocaleMaxLength })
            .WithError(ErrorCodes.LocaleInvalid));
        Field(r => r.TimeZone, zone => zone.Cascade(CascadeMode.Stop)
            .Characters(2, UserProfile.TimeZoneMaxLength).WithError(ErrorCodes.TimeZoneUnknown)
            .Pattern($"^{ProfileFormats.TimeZonePattern}$", z => TimeZoneNames.Find(z) is not null).WithError(ErrorCodes.TimeZoneUnknown));
        Field(r => r.Metadata, metadata => metadata.Custom((m, context) =>
        {
            if (MetadataText.Objection(m) is { } objection)
                context.AddFailure(Problems.Failure(context.PropertyPath, ErrorCodes.MetadataInvalid, objection));
        }));
    }

    // Applies the rules to a field that was sent with a value; failures carry the field's own name.
    void Field<TField>(Expression<Func<T, Optional<TField>>> field, Action<IRuleBuilderInitial<T, TField?>> rules, bool alsoNull = false)
    {
        var (read, property) = (field.Compile(), ((MemberExpression)field.Body).Member);
        var value = Expression.Lambda<Func<T, TField?>>(Expression.Property(field.Body, nameof(Optional<>.Value)), field.Parameters);
        When(r => read(r).HasValue || (alsoNull && read(r).IsNull), () => rules(RuleFor(value)
            .Configure(rule => rule.PropertyName = ValidatorOptions.Global.PropertyNameResolver(typeof(T), property, field))));
    }
}
