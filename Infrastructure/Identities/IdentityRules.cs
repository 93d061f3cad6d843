using FluentValidation;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Validation;

namespace Profiles.Infrastructure.Identities;

/// <summary>The rules for what apps send of a provider.</summary>
static class IdentityRules
{
    /// <summary>Several times what Google's and Apple's have, for issuers that put a person's roles into it.</summary>
    const int TokenMaxLength = 8192;

    const int NonceMaxLength = 255, CodeMaxLength = 512;

    public static IRuleBuilderOptions<T, string?> IdToken<T>(this IRuleBuilderInitial<T, string?> rule) => rule
        .Cascade(CascadeMode.Stop)
        .Given().WithError(ErrorCodes.IdTokenMalformed)
        .Characters(1, TokenMaxLength).WithError(ErrorCodes.IdTokenMalformed, $"An identity token has at most {TokenMaxLength} characters.")
        .Pattern(@"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$", IsToken).WithError(ErrorCodes.IdTokenMalformed);

    public static IRuleBuilderOptions<T, string?> Nonce<T>(this IRuleBuilderInitial<T, string?> rule) => rule
        .Cascade(CascadeMode.Stop)
        .Given().WithError(ErrorCodes.NonceInvalid)
        .Characters(1, NonceMaxLength).WithError(ErrorCodes.NonceInvalid)
        .Pattern("^[ -~]+$", n => n.All(c => c is >= ' ' and <= '~')).WithError(ErrorCodes.NonceInvalid);

    public static IRuleBuilderOptions<T, string?> AuthorizationCode<T>(this IRuleBuilderInitial<T, string?> rule) => rule
        .Cascade(CascadeMode.Stop)
        .Characters(1, CodeMaxLength).WithError(ErrorCodes.AuthorizationCodeInvalid)
        .Pattern("^[A-Za-z0-9._~-]+$", c => c.All(x => char.IsAsciiLetterOrDigit(x) || x is '.' or '_' or '~' or '-'))
        .WithError(ErrorCodes.AuthorizationCodeInvalid);

    static bool IsToken(string text) => text.Split('.') is { Length: 3 } parts
        && parts.All(p => p.Length > 0 && p.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_'));
}
