using FastEndpoints;
using FluentValidation;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Validation;

namespace Profiles.Features.Login;

// Checks no more than this, so that the answer does not distinguish a wrong password from an impossible one.
sealed class LoginValidator : Validator<LoginRequest>
{
    public LoginValidator()
    {
        RuleFor(r => r.Email)
            .NotEmpty().WithError(ErrorCodes.EmailRequired)
            .Pattern(@"^[^\u0000]*[^\s\u0000][^\u0000]*$", e => !e.Contains('\0'))
            .WithError(ErrorCodes.EmailInvalid, "An e-mail address has no NUL characters.");
        RuleFor(r => r.Password)
            .Given().WithError(ErrorCodes.PasswordRequired)
            .WithoutNul().WithError(ErrorCodes.PasswordInvalid);
        RuleFor(r => r.Device).DeviceName();
    }
}
