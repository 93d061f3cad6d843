using MimeKit;
using Profiles.Infrastructure.Mail;

namespace Profiles.Tests.Features.PreviewMail;

/// <summary>The command <c>mail preview</c>.</summary>
[Trait("Database", "Sqlite")]
public sealed class PreviewMailTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    [Fact]
    public async Task It_lists_kinds_variants_and_locales_and_shows_each()
    {
        var (exitCode, output, _) = await app.RunAsync("mail", "preview");
        exitCode.ShouldBe(0);
        var lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        lines[^1].ShouldBe("Locales: ar, de, en, es, fr, ja, pt");
        lines.Length.ShouldBe(MailSample.All.Count() + 1);
        foreach (var line in lines[..^1])
            (await app.RunAsync(["mail", "preview", .. line.Split(' ')])).ExitCode.ShouldBe(0, line);
    }

    [Fact]
    public async Task It_shows_the_text_the_HTML_or_writes_the_whole_mail()
    {
        (await app.RunAsync("mail", "preview", "reset_password", "code", "--locale", "de-CH")).Output
            .ShouldStartWith("Legen Sie ein neues Passwort fest\r\n\r\nJemand, hoffentlich Sie selbst, ");
        (await app.RunAsync("mail", "preview", "login_code", "--locale", "ar", "--html")).Output
            .ShouldStartWith("<!DOCTYPE html>\r\n<html lang=\"ar\" dir=\"rtl\">");
        var file = Path.Combine(TemporaryDirectory.Make("preview"), "mail.eml");
        (await app.RunAsync("mail", "preview", "way_in_changed", "identity_added", "--locale", "ja", "--to", file)).ShouldBe((0, "", ""));
        using var message = await MimeMessage.LoadAsync(file, Cancellation);
        (message.Subject, message.To.ToString()).ShouldBe(("Googleでのログインが追加されました", "person@example.com"));
        File.GetUnixFileMode(file).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    [Theory]
    [InlineData("There is no such mail: ", "nonsense")]
    [InlineData("There is no such mail: ", "reset_password", "nonsense")]
    [InlineData("There is no template for this locale: ", "reset_password", "--locale", "xx")]
    public async Task What_is_not_there_is_said(string sentence, params string[] arguments)
    {
        var (exitCode, output, error) = await app.RunAsync(["mail", "preview", .. arguments]);
        (exitCode, output).ShouldBe((1, ""));
        error.ShouldStartWith(sentence);
    }
}
