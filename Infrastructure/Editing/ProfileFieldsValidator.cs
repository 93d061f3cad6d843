using FastEndpoints;
using FluentValidation;
using Profiles.Data;
using Profiles.Infrastructure.Validation;

namespace Profiles.Infrastructure.Editing;

/// <summary>What holds for the fields of a profile however they are sent.</summary>
abstract class ProfileFieldsValidator<T> : Validator<T> where T : ProfileFields
{
    protected ProfileFieldsValidator(TimeProvider clock)
    {
        When(r => r.Has(nameof(r.Name)), () => RuleFor(r => r.Name).PersonName());
        When(r => r.Has(nameof(r.Email)), () => RuleFor(r => r.Email).EmailAddress());
        When(r => r.Username is not null, () => RuleFor(r => r.Username).Cascade(CascadeMode.Stop)
            .Must(u => u!.Length is >= UserProfile.UsernameMinLength and <= UserProfile.UsernameMaxLength)
            .WithMessage($"A username has {UserProfile.UsernameMinLength} to {UserProfile.UsernameMaxLength} characters.")
            .Must(u => ProfileFieldForms.IsUsername(u!)).WithMessage("A username is made of the letters a to z, digits, underscores and single dots between them.")
            .Must(u => !ProfileFieldForms.IsReserved(u!)).WithMessage("This username is reserved."));
        When(r => r.Bio is not null, () => RuleFor(r => r.Bio).Cascade(CascadeMode.Stop)
            .Must(b => b!.EnumerateRunes().Count() <= UserProfile.BioMaxLength).WithMessage($"A bio has at most {UserProfile.BioMaxLength} characters.")
            .Must(b => !b!.Any(c => char.IsControl(c) && c is not ('\n' or '\t'))).WithMessage("A bio has no control characters but line feeds and tabs."));
        When(r => r.Phone is not null, () => RuleFor(r => r.Phone)
            .Must(p => ProfileFieldForms.IsPhone(p!)).WithMessage("A phone number is a plus sign and 7 to 15 digits, country code first, with nothing between them (E.164)."));
        When(r => r.BirthDate is not null, () => RuleFor(r => r.BirthDate).Cascade(CascadeMode.Stop)
            .Must(d => ProfileFieldForms.ReadDate(d!) is not null).WithMessage("A date of birth is written as 1990-05-17.")
            .Must(d => ProfileFieldForms.ReadDate(d!) >= UserProfile.EarliestBirthDate).WithMessage($"A date of birth is not before {UserProfile.EarliestBirthDate.Year}.")
            .Must(d => ProfileFieldForms.ReadDate(d!) <= ProfileFieldForms.LatestToday(clock)).WithMessage("A date of birth is not in the future."));
        When(r => r.Locale is not null, () => RuleFor(r => r.Locale)
            .Must(l => l!.Length <= UserProfile.LocaleMaxLength && ProfileFieldForms.IsLocale(l)).WithMessage("A locale is a language tag such as en or pt-BR (BCP 47)."));
        When(r => r.TimeZone is not null, () => RuleFor(r => r.TimeZone)
            .Must(z => TimeZoneNames.Contains(z!)).WithMessage("A time zone is a name of the IANA database such as Europe/Berlin."));
        When(r => r.Metadata is not null, () => RuleFor(r => r.Metadata).Custom((m, context) =>
        {
            if (MetadataText.Objection(m!.Value) is { } objection)
                context.AddFailure(objection);
        }));
    }
}
