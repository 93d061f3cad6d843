using FastEndpoints;
using FluentValidation;
using Profiles.Data;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Validation;

namespace Profiles.Infrastructure.Editing;

/// <summary>What holds for the fields of a profile however they are sent.</summary>
abstract class ProfileFieldsValidator<T> : Validator<T> where T : ProfileFields
{
    protected ProfileFieldsValidator(TimeProvider clock)
    {
        When(r => r.Has(nameof(r.Name)), () => RuleFor(r => r.Name).PersonName());
        When(r => r.Has(nameof(r.Email)), () => RuleFor(r => r.Email).EmailAddress());
        RuleFor(r => r.CurrentPassword).WithoutNul().WithError(ErrorCodes.PasswordInvalid);
        When(r => r.Username is not null, () => RuleFor(r => r.Username).Cascade(CascadeMode.Stop)
            .Characters(UserProfile.UsernameMinLength, UserProfile.UsernameMaxLength, u => u.Length).WithError(ErrorCodes.UsernameWrongLength)
            .Pattern($"^{ProfileFieldForms.UsernameForm}$", ProfileFieldForms.IsUsername).WithError(ErrorCodes.UsernameInvalid)
            .Must(u => !ProfileFieldForms.IsReserved(u!)).WithError(ErrorCodes.UsernameReserved));
        When(r => r.Bio is not null, () => RuleFor(r => r.Bio).Cascade(CascadeMode.Stop)
            .Characters(0, UserProfile.BioMaxLength, b => TextRules.CodePoints(ProfileFieldForms.ReadBio(b))).WithError(ErrorCodes.BioTooLong)
            .Pattern(ProfileFieldForms.SentBioForm, b => !ProfileFieldForms.ReadBio(b).Any(c => char.IsControl(c) && c is not ('\n' or '\t'))).WithError(ErrorCodes.BioInvalid));
        When(r => r.Phone is not null, () => RuleFor(r => r.Phone)
            .Pattern(ProfileFieldForms.SentPhoneForm, p => ProfileFieldForms.ReadPhone(p) is not null).WithError(ErrorCodes.PhoneInvalid));
        When(r => r.BirthDate is not null, () => RuleFor(r => r.BirthDate).Cascade(CascadeMode.Stop)
            .Characters(ProfileFields.DateForm.Length, ProfileFields.DateForm.Length, d => d.Length).WithError(ErrorCodes.BirthDateInvalid)
            .Must(d => ProfileFieldForms.ReadDate(d!) is not null).WithError(ErrorCodes.BirthDateInvalid)
            .Must(d => ProfileFieldForms.ReadDate(d!) >= UserProfile.EarliestBirthDate).WithError(ErrorCodes.BirthDateTooEarly)
            .Must(d => ProfileFieldForms.ReadDate(d!) <= ProfileFieldForms.LatestToday(clock)).WithError(ErrorCodes.BirthDateInFuture));
        When(r => r.Locale is not null, () => RuleFor(r => r.Locale)
            .Pattern(ProfileFieldForms.SentLocaleForm, l => ProfileFieldForms.ReadLocale(l) is { Length: <= UserProfile.LocaleMaxLength }).WithError(ErrorCodes.LocaleInvalid));
        When(r => r.TimeZone is not null, () => RuleFor(r => r.TimeZone).Cascade(CascadeMode.Stop)
            .Characters(2, UserProfile.TimeZoneMaxLength).WithError(ErrorCodes.TimeZoneUnknown)
            .Pattern($"^{ProfileFieldForms.TimeZoneForm}$", z => TimeZoneNames.Find(z) is not null).WithError(ErrorCodes.TimeZoneUnknown));
        When(r => r.Metadata is not null, () => RuleFor(r => r.Metadata).Custom((m, context) =>
        {
            if (MetadataText.Objection(m!.Value) is { } objection)
                context.AddFailure(Problems.Failure(context.PropertyPath, ErrorCodes.MetadataInvalid, objection));
        }));
    }
}
