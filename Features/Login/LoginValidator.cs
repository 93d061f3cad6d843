using FastEndpoints;
using FluentValidation;
using Profiles.Infrastructure.Validation;

namespace Profiles.Features.Login;

// No more than this: whatever could be a password is tried, so that nothing tells a wrong one from an impossible one.
sealed class LoginValidator : Validator<LoginRequest>
{
    public LoginValidator()
    {
        RuleFor(r => r.Email)
            .Must(e => !string.IsNullOrWhiteSpace(e)).WithMessage("An e-mail address is needed.")
            .Must(e => e?.Contains('\0') is not true).WithMessage("An e-mail address has no NUL characters.");
        RuleFor(r => r.Password)
            .Must(p => !string.IsNullOrEmpty(p)).WithMessage("A password is needed.")
            .Must(p => p?.Contains('\0') is not true).WithMessage("A password has no NUL characters.");
        RuleFor(r => r.Device).DeviceName();
    }
}
