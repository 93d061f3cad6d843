using System.Text.Json;
using Profiles.Data;

namespace Profiles.Infrastructure.Mail;

/// <summary>A mail with invented values, to look at a template and to check it.</summary>
/// <param name="Content">What it says.</param>
/// <param name="Variant">The name of one of several mails of a kind; empty for the usual one.</param>
sealed record MailSample(MailContent Content, string Variant = "")
{
    /// <summary>The samples of every kind.</summary>
    public static IEnumerable<MailSample> All { get; } = Enum.GetValues<MailKind>().SelectMany(Of);

    /// <summary>The kind's name, as in the templates.</summary>
    public string Kind => NameOf(Content.Kind);

    public static string NameOf<T>(T value) where T : struct, Enum => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());

    static IEnumerable<MailSample> Of(MailKind kind)
    {
        var content = new MailContent(kind, Locale: null)
        {
            TokenLifetime = TimeSpan.FromMinutes(30),
            CodeLifetime = TimeSpan.FromMinutes(10),
            NewEmail = "new@example.com",
            RegisteredAt = new DateTime(2027, 2, 28, 13, 4, 5, DateTimeKind.Utc),
            Provider = "google",
        };
        var withToken = content with { Token = "kV4mF1uXo2cQ7tPzL9sYbR0dGhJ6nWa3eKi8TfMvB5E" };
        const string Code = "048213";
        return kind switch
        {
            MailKind.VerifyEmail or MailKind.VerifyNewEmail or MailKind.ResetPassword or MailKind.ConfirmRegistration =>
                [new(withToken), new(withToken with { Code = Code }, "code")],
            MailKind.LoginCode => [new(content with { Code = Code })],
            MailKind.SecondFactorChanged => Changes(content, MailChange.SecondFactorAdded, MailChange.RecoveryCodeUsed),
            MailKind.WayInChanged => Changes(content, MailChange.PasskeyAdded, MailChange.IdentityRemoved),
            _ => [new(content)],
        };
    }

    static IEnumerable<MailSample> Changes(MailContent content, MailChange first, MailChange last) =>
        Enum.GetValues<MailChange>().Where(c => c >= first && c <= last)
            .Select(c => new MailSample(content with { Change = c }, NameOf(c)));
}
