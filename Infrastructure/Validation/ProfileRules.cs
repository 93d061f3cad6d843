using System.Text;
using System.Text.RegularExpressions;
using FluentValidation;
using Profiles.Data;
using Profiles.Infrastructure.Errors;

namespace Profiles.Infrastructure.Validation;

/// <summary>The rules for names, addresses, passwords and devices wherever one is set; the limits are the entities'.</summary>
static partial class ProfileRules
{
    /// <summary>
    /// 1 to 100 code points after trimming, at least one of them visible; no control characters and none that change the text's direction.
    /// </summary>
    public static IRuleBuilderOptions<T, string?> PersonName<T>(this IRuleBuilderInitial<T, string?> rule) => rule
        .Cascade(CascadeMode.Stop)
        .NotEmpty().WithError(ErrorCodes.NameRequired)
        .Characters(1, UserProfile.NameMaxLength, Trimmed).WithError(ErrorCodes.NameTooLong)
        .Pattern(NameForm, n => !VisibleText.HasControls(n)).WithError(ErrorCodes.NameInvalid)
        .Must(n => !VisibleText.Misleads(n!)).WithError(ErrorCodes.NameMisleading)
        .Must(n => VisibleText.IsVisible(n!)).WithError(ErrorCodes.NameInvisible);

    /// <summary>An ASCII address: look-alike letters would make two accounts of addresses that people read as one.</summary>
    public static IRuleBuilderOptions<T, string?> EmailAddress<T>(this IRuleBuilderInitial<T, string?> rule) => rule
        .Cascade(CascadeMode.Stop)
        .NotEmpty().WithError(ErrorCodes.EmailRequired)
        .Characters(1, User.EmailMaxLength, e => e.Trim().Length).WithError(ErrorCodes.EmailTooLong)
        .Pattern($@"^[ \t]*{AddressForm}[ \t]*$", e => IsAddress(e.Trim(' ', '\t'))).WithError(ErrorCodes.EmailInvalid);

    /// <summary>Whether a text of elsewhere could have been sent as a name.</summary>
    public static bool IsPersonName(string text) =>
        Trimmed(text) is > 0 and <= UserProfile.NameMaxLength && !VisibleText.HasControls(text) && !VisibleText.Misleads(text)
        && VisibleText.IsVisible(text);

    /// <summary>Whether a text of elsewhere could have been sent as an address.</summary>
    public static bool IsEmailAddress(string text) => text.Length <= User.EmailMaxLength && IsAddress(text);

    /// <summary>At least the minimum of code points, and no more bytes than bcrypt reads.</summary>
    public static IRuleBuilderOptions<T, string?> NewPassword<T>(this IRuleBuilderInitial<T, string?> rule, int minimumLength) => rule
        .Cascade(CascadeMode.Stop)
        .Given().WithError(ErrorCodes.PasswordRequired)
        .Characters(minimumLength, -1).WithError(ErrorCodes.PasswordTooShort, $"A password has at least {minimumLength} characters.")
        .Characters(1, User.PasswordMaxBytes, Encoding.UTF8.GetByteCount).WithError(ErrorCodes.PasswordTooLong)
        .WithoutNul().WithError(ErrorCodes.PasswordInvalid);

    /// <summary>The name of a device: at most 100 code points, no control characters.</summary>
    public static IRuleBuilderOptions<T, string?> DeviceName<T>(this IRuleBuilderInitial<T, string?> rule) => rule
        .Cascade(CascadeMode.Stop)
        .Characters(0, Session.DeviceMaxLength, Trimmed).WithError(ErrorCodes.DeviceTooLong)
        .Pattern($"^[^{TextRules.Controls}]*$", d => !VisibleText.HasControls(d)).WithError(ErrorCodes.DeviceInvalid)
        .Must(d => d is null || !VisibleText.Misleads(d)).WithError(ErrorCodes.DeviceMisleading);

    /// <summary>
    /// The six digits of a mail. The document shows those of ASCII; keyboards of other scripts have others, which are accepted too.
    /// </summary>
    public static IRuleBuilderOptions<T, string?> MailedCode<T>(this IRuleBuilderInitial<T, string?> rule) => rule
        .Cascade(CascadeMode.Stop)
        .NotEmpty().WithError(ErrorCodes.CodeRequired)
        .Pattern(@"^\s*([0-9]\s*){6}$", c => MailCode.Read(c) is not null).WithError(ErrorCodes.CodeMalformed);

    // At least one character that is no blank, and no control characters.
    const string NameForm = $@"^[^{TextRules.Controls}]*[^\s{TextRules.Controls}][^{TextRules.Controls}]*$";

    static int Trimmed(string text) => TextRules.CodePoints(text.Trim());

    static bool IsAddress(string text) => text.IndexOf('@') <= LocalPartMaxLength && Address().IsMatch(text);

    // RFC 5321, 4.5.3.1.1.
    const int LocalPartMaxLength = 64;

    /// <summary>RFC 5321 without quoted strings and address literals, which no mobile keyboard sends; at least two labels.</summary>
    public const string AddressForm =
        @"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
        + @"@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?";

    [GeneratedRegex($@"^{AddressForm}\z", RegexOptions.NonBacktracking)]
    private static partial Regex Address();
}
