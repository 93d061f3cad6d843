using System.CommandLine;
using Profiles.Infrastructure.Commands;
using Profiles.Infrastructure.Mail;
using Profiles.Infrastructure.Settings;

namespace Profiles.Features.PreviewMail;

/// <summary>Shows a mail with invented values, and checks all templates first.</summary>
sealed class PreviewMailCommand : OperatorCommand
{
    const string Recipient = "person@example.com";

    readonly Argument<string?> kind = new("kind")
    {
        Description = "The kind of mail. Without it the kinds, their variants and the locales are listed.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    readonly Argument<string?> variant = new("variant")
    {
        Description = "One of several mails of this kind, such as code.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    readonly Option<string> locale = new("--locale")
    {
        Description = "The language, such as de.",
        DefaultValueFactory = _ => MailTemplateFiles.English,
    };

    readonly Option<bool> html = new("--html") { Description = "Writes the HTML in place of the text." };

    readonly Option<string?> to = new("--to") { Description = "Writes the whole mail to a new file, which mail programs open (.eml)." };

    public PreviewMailCommand() : base(
        "mail preview",
        "Checks the mail templates (Mail__Templates) and shows a mail with invented values; sends nothing.",
        "Profiles mail preview", "Profiles mail preview reset_password --locale de",
        "Profiles mail preview verify_email code --locale ar --html",
        "Profiles mail preview way_in_changed passkey_added --to mail.eml")
    {
        Add(kind);
        Add(variant);
        Add(locale);
        Add(html);
        Add(to);
    }

    public override bool NeedsDatabase => false;

    public override async Task<int> RunAsync(CommandRun run, CancellationToken ct)
    {
        var templates = run.Get<MailTemplates>();
        templates.Check();
        if (run.Arguments.GetValue(kind) is not { } named)
            return await ListAsync(run);
        var wanted = run.Arguments.GetValue(variant);
        if (MailSample.All.FirstOrDefault(s => s.Kind == named && (wanted is null || s.Variant == wanted)) is not { } sample)
            return await CommandRun.FailAsync("There is no such mail: Profiles mail preview lists them.");
        if (run.Get<MailTemplateFiles>().Match(run.Arguments.GetValue(locale)) is not { } language)
            return await CommandRun.FailAsync("There is no template for this locale: Profiles mail preview lists them.");
        var content = sample.Content with { Locale = language };
        if (run.Arguments.GetValue(to) is { } file)
        {
            using var message = templates.Compose(Recipient, content, run.Get<TimeProvider>().GetUtcNow());
            await using var stream = PrivateFiles.Create(file);
            await message.WriteToAsync(MailMessage.Format, stream, ct);
            return 0;
        }
        var text = templates.Render(content);
        await run.Output.WriteAsync(run.Arguments.GetValue(html) ? text.Html : $"{text.Subject}\r\n\r\n{text.Plain}");
        return 0;
    }

    static async Task<int> ListAsync(CommandRun run)
    {
        foreach (var sample in MailSample.All)
            await run.Output.WriteLineAsync($"{sample.Kind} {sample.Variant}".TrimEnd());
        await run.Output.WriteLineAsync($"Locales: {string.Join(", ", run.Get<MailTemplateFiles>().Locales)}");
        return 0;
    }
}
