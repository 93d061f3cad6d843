using FastEndpoints;
using FluentValidation;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Validation;

namespace Profiles.Features.Login;

// No more than this: whatever could be a password is tried, so that nothing tells a wrong one from an impossible one.
sealed class LoginValidator : Validator<LoginRequest>
{
    public LoginValidator()
    {
        RuleFor(r => r.Email)
            .Must(e => !string.IsNullOrWhiteSpace(e)).WithError(ErrorCodes.EmailRequired)
            .Must(e => e?.Contains('\0') is not true).WithError(ErrorCodes.EmailInvalid, "An e-mail address has no NUL characters.");
        RuleFor(r => r.Password)
            .Must(p => !string.IsNullOrEmpty(p)).WithError(ErrorCodes.PasswordRequired)
            .Must(p => p?.Contains('\0') is not true).WithError(ErrorCodes.PasswordInvalid);
        RuleFor(r => r.Device).DeviceName();
    }
}
