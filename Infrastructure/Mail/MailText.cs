using System.Globalization;
using System.Net;
using System.Text;
using Profiles.Data;

namespace Profiles.Infrastructure.Mail;

/// <summary>What a mail to the owner says was changed. The names are in the database.</summary>
enum MailChange
{
    SecondFactorAdded,
    SecondFactorRemoved,

    /// <summary>By an operator.</summary>
    SecondFactorReset,

    RecoveryCodeUsed,
}

/// <summary>
/// The text of a mail, plain and in HTML. It quotes nothing that users write except addresses, because a stranger can have a mail sent to
/// anybody.
/// </summary>
/// <param name="Subject">The subject.</param>
/// <param name="Lines">The paragraphs.</param>
/// <param name="Link">The link to open; null for none.</param>
/// <param name="Code">The code to copy into the app where there is no link; null for none.</param>
sealed record MailText(string Subject, string[] Lines, string? Link = null, string? Code = null)
{
    /// <summary>Returns the text of a kind of mail.</summary>
    /// <param name="mail">The kind.</param>
    /// <param name="options">The settings, which have the links.</param>
    /// <param name="token">The token of a kind that has one.</param>
    /// <param name="lifetime">How long the token is valid.</param>
    /// <param name="newEmail">The new address of a change; null when it is no longer pending.</param>
    /// <param name="registeredAt">
    /// The time of a registration in UTC: somebody else may have registered the same address at another time.
    /// </param>
    public static MailText Of(
        MailKind mail, MailOptions options, string? token, TimeSpan lifetime, string? newEmail, DateTime registeredAt = default) =>
        mail switch
        {
            MailKind.ConfirmRegistration => WithToken(
                "Confirm your e-mail address",
                "Please confirm that you registered with this e-mail address on "
                + $"{registeredAt.ToString("d MMMM yyyy 'at' HH:mm:ss", CultureInfo.InvariantCulture)} UTC",
                "If it was not you, do nothing: no account is made. "
                + "If you registered at another time, ask in the app for a new password instead.",
                options.VerifyUrl, token!, lifetime),
            MailKind.VerifyEmail or MailKind.VerifyNewEmail => WithToken(
                "Confirm your e-mail address",
                "Please confirm that this e-mail address is yours",
                "If you did not ask for this, do nothing: the address is then not confirmed.",
                options.VerifyUrl, token!, lifetime),
            MailKind.ResetPassword => WithToken(
                "Set a new password",
                "Somebody, we hope you, asked for a new password for your account",
                "If it was not you, do nothing: your password stays as it is.",
                options.ResetUrl, token!, lifetime),
            MailKind.EmailChangeRequested => new("A change of your e-mail address",
            [
                $"Somebody, we hope you, has asked for {newEmail ?? "another one"} as the e-mail address of your account.",
            "If it was not you, change your password in the app now, and tell those who run this service: "
            + "soon no mail about the account will come here any more.",
        ]),
            MailKind.EmailChanged => new("Your e-mail address was changed",
            [
                $"The e-mail address of your account is now {newEmail}, and no mail about the account will come here any more.",
            "If it was not you, tell those who run this service now.",
        ]),
            MailKind.AlreadyRegistered => new("You have an account already",
            [
                "Somebody, we hope you, tried to use this e-mail address for an account. "
            + "It has one already: log in, or ask in the app for a new password.",
            "If it was not you, do nothing: nothing has changed.",
        ]),
            MailKind.PasswordChanged => new("Your password was changed",
            [
                "The password of your account was changed, and phones that were logged in have been logged out.",
            "If it was not you, ask in the app for a new password now, and tell those who run this service.",
        ]),
            _ => throw new ArgumentOutOfRangeException(nameof(mail)),
        };

    /// <summary>Returns the text that tells the owner of a change.</summary>
    public static MailText Of(MailChange change)
    {
        const string Otherwise = "If it was not you, change your password in the app now, and tell those who run this service.";
        return change switch
        {
            MailChange.SecondFactorAdded => new("A second factor was added",
                ["A second factor was added to your account: from now on, logging in also takes a code from your authenticator app.",
                    Otherwise]),
            MailChange.SecondFactorRemoved => new("Your second factor was removed",
                ["The second factor of your account was removed: logging in no longer takes a code from your authenticator app.",
                    Otherwise]),
            MailChange.SecondFactorReset => new("Your second factor was reset",
                ["Those who run this service have removed the second factor of your account: "
                    + "logging in no longer takes a code from your authenticator app.", Otherwise]),
            MailChange.RecoveryCodeUsed => new("A recovery code was used",
                ["A recovery code was used to log in to your account. It cannot be used again.", Otherwise]),
            _ => throw new ArgumentOutOfRangeException(nameof(change)),
        };
    }

    public string Plain => string.Join(
        "\r\n\r\n", [Lines[0], .. Link is null ? [] : new[] { Link }, .. Code is null ? [] : new[] { Code }, .. Lines[1..]]) + "\r\n";

    public string Html
    {
        get
        {
            var html = new StringBuilder("<!DOCTYPE html>\r\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>")
                .Append(Encode(Subject)).Append("</title></head><body>\r\n");
            html.Append("<p>").Append(Encode(Lines[0])).Append("</p>\r\n");
            if (Link is not null)
            {
                html.Append("<p><a href=\"").Append(Encode(Link)).Append("\">").Append(Encode(Subject)).Append("</a></p>\r\n")
                    .Append("<p>").Append(Encode(Link)).Append("</p>\r\n");
            }
            if (Code is not null)
                html.Append("<p><code>").Append(Encode(Code)).Append("</code></p>\r\n");
            foreach (var line in Lines[1..])
                html.Append("<p>").Append(Encode(line)).Append("</p>\r\n");
            return html.Append("</body></html>\r\n").ToString();
        }
    }

    static MailText WithToken(string subject, string request, string otherwise, string? template, string token, TimeSpan lifetime) =>
        template is null
            ? new(subject, [$"{request}: enter this code in the app. It is valid for {InWords(lifetime)}.", otherwise], Code: token)
            : new(subject, [$"{request}: open this link. It is valid for {InWords(lifetime)}.", otherwise],
                Link: MailOptions.Fill(template, token));

    static string InWords(TimeSpan time) => time switch
    {
        { TotalHours: < 2 } => Whole(time.TotalMinutes, "minutes"),
        { TotalDays: < 2 } => Whole(time.TotalHours, "hours"),
        _ => Whole(time.TotalDays, "days"),
    };

    static string Whole(double number, string unit) => string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(number)} {unit}");

    static string Encode(string text) => WebUtility.HtmlEncode(text);
}
