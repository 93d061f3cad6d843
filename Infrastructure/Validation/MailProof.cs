using FluentValidation;
using Profiles.Infrastructure.Errors;

namespace Profiles.Infrastructure.Validation;

/// <summary>A request of somebody who has got a mail: its token or, in its place, the address with the six digits.</summary>
interface IMailProof
{
    string? Token { get; }

    string? RequestToken { get; }

    string? Email { get; }

    string? Code { get; }
}

static class MailProofRules
{
    /// <summary>Either the token alone, or the token of the request with the address and the digits.</summary>
    public static void MailProof<T>(this AbstractValidator<T> validator) where T : IMailProof => validator
        .When(
            r => r.Token is null && r is not { RequestToken: null, Email: null, Code: null },
            () =>
            {
                validator.RuleFor(r => r.RequestToken).Given().WithError(ErrorCodes.RequestTokenRequired);
                validator.RuleFor(r => r.Email).EmailAddress();
                validator.RuleFor(r => r.Code).MailedCode();
            })
        .Otherwise(() => validator.RuleFor(r => r.Token)
            .Given().WithError(ErrorCodes.TokenRequired)
            .Must((r, _) => r is { RequestToken: null, Email: null, Code: null }).WithError(ErrorCodes.TokenOrCode));
}
