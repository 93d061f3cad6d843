using FastEndpoints;
using FluentValidation;
using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Passwords;
using Profiles.Infrastructure.Validation;

namespace Profiles.Features.Register;

sealed class RegisterValidator : Validator<RegisterRequest>
{
    public RegisterValidator(IOptions<PasswordOptions> passwords, PasswordBlocklist blocklist)
    {
        RuleFor(r => r.Name).PersonName().Unless(r => r.FromGuest is true && r.Name is null);
        RuleFor(r => r.Email).EmailAddress();
        RuleFor(r => r.Password).NewPassword(passwords.Value.MinimumLength!.Value).Custom((password, context) =>
        {
            if (blocklist.Refusal(password!, context.InstanceToValidate.Email ?? "") is { } error)
                context.AddFailure(Problems.Failure(context.PropertyPath, error));
        });
    }
}
