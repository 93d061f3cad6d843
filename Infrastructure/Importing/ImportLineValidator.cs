using FluentValidation;
using Profiles.Data;
using Profiles.Infrastructure.Editing;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Identities;
using Profiles.Infrastructure.SecondFactors;
using Profiles.Infrastructure.Validation;

namespace Profiles.Infrastructure.Importing;

sealed class ImportLineValidator : ProfileFieldsValidator<ImportLine>
{
    public ImportLineValidator(TimeProvider clock) : base(clock)
    {
        RuleFor(l => l.Name).Must(name => name.IsSent).WithError(ErrorCodes.NameRequired);
        RuleFor(l => l.Email).Must(email => email.IsSent).WithError(ErrorCodes.EmailRequired);
        RuleFor(l => l.ExternalId)
            .Must(id => id is null || (id.Length is > 0 and <= User.ExternalIdMaxLength && !VisibleText.HasControls(id)))
            .WithError(ImportErrors.ExternalIdInvalid);
        RuleFor(l => l.Identities)
            .Must(all => all is null || (all.Count <= Identity.MostPerUser && all.All(IsIdentity)))
            .WithError(ImportErrors.IdentitiesInvalid);
        RuleFor(l => l.Passkeys)
            .Must(all => all is null || (all.Count <= Passkey.MostPerUser && all.All(p => p?.ToPasskey(0, default) is not null)))
            .WithError(ImportErrors.PasskeysInvalid)
            .Must(all => all is null || all.All(p => IsPast(p?.CreatedAt))).WithError(ImportErrors.TimeInvalid);
        RuleFor(l => l.TotpSecret).Must(s => s is null || TotpSecrets.Normalize(s) is not null).WithError(ImportErrors.TotpSecretInvalid);
        RuleFor(l => l.CreatedAt).Must(IsPast).WithError(ImportErrors.TimeInvalid);
        RuleFor(l => l.EmailVerifiedAt).Must(IsPast).WithError(ImportErrors.TimeInvalid);

        static bool IsIdentity(ImportIdentity? identity) => identity is { Provider: { } provider, Subject: { Length: > 0 } subject }
            && IdentityProvider.IsName(provider) && subject.Length <= Identity.SubjectMaxLength && !VisibleText.HasControls(subject)
            && (identity.Email is null || ProfileRules.IsEmailAddress(identity.Email));

        bool IsPast(DateTime? time) =>
            time is null || (ImportLine.ToUtc(time) is var utc && utc >= DateTime.UnixEpoch && utc <= clock.GetUtcNow().UtcDateTime);
    }
}
