using FastEndpoints;
using Profiles.Infrastructure.Validation;

namespace Profiles.Features.VerifyEmail;

sealed class VerifyEmailValidator : Validator<VerifyEmailRequest>
{
    public VerifyEmailValidator() => this.MailProof();
}
