using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using MimeKit;
using Profiles.Data;
using Profiles.Infrastructure.Mail;
using Profiles.Infrastructure.Settings;

namespace Profiles.Tests.Infrastructure.Mail;

/// <summary>The texts of mails: in seven languages, on the wire, and from an operator's own templates.</summary>
[Trait("Database", "Sqlite")]
public sealed partial class MailTemplateTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    static readonly MailOptions WithLinks = new()
    {
        VerifyUrl = "https://app.example.com/verify?lang=en&token={token}",
        ResetUrl = "https://app.example.com/reset?lang=en&token={token}",
    };

    public static TheoryData<string> Locales => ["ar", "de", "en", "es", "fr", "ja", "pt"];

    internal static MailTemplates Templates(MailOptions options) =>
        new(new(Options.Create(options)), Options.Create(options), Options.Create(new ServiceOptions()));

    [Fact]
    public void The_locales_are_these() =>
        new MailTemplateFiles(Options.Create(new MailOptions())).Locales.ShouldBe(Locales.Select(l => l.Data));

    [Theory]
    [MemberData(nameof(Locales))]
    public void Every_kind_has_its_values_in_text_and_HTML(string locale)
    {
        var subjects = new List<string>();
        foreach (var (options, sample) in new[] { new MailOptions(), WithLinks }.SelectMany(o => MailSample.All.Select(s => (o, s))))
        {
            var (content, name) = (sample.Content with { Locale = locale }, $"{sample.Kind} {sample.Variant}");
            var text = Templates(options).Render(content);
            subjects.Add(text.Subject);
            var hasLink = content.Token is not null && options == WithLinks;
            string?[] shown =
            [
                content.Token, content.Code,
                hasLink ? $"https://app.example.com/{(content.Kind == MailKind.ResetPassword ? "reset" : "verify")}?lang=en&token=" : null,
                content.Token is not null ? "30" : null,
                content.Code is not null ? "10" : null,
                content.Kind is MailKind.EmailChanged or MailKind.EmailChangeRequested ? content.NewEmail : null,
                content.Kind is MailKind.ConfirmRegistration ? "28" : null,
                content.Kind is MailKind.ConfirmRegistration ? "13:04:05" : null,
                content.Change is MailChange.IdentityAdded or MailChange.IdentityRemoved ? "Google" : null,
            ];
            foreach (var value in shown.OfType<string>())
            {
                (text.Subject + text.Plain).ShouldContain(value, Case.Sensitive, name);
                text.Html.ShouldContain(value.Replace("&", "&amp;"), Case.Sensitive, name);
            }
            (text.Subject + text.Plain + Styles().Replace(text.Html, "")).IndexOfAny(['{', '}', '%', '\0']).ShouldBe(-1, name);
            // At least a request and what to do when it was somebody else.
            var paragraphs = text.Plain.Split("\r\n\r\n");
            paragraphs.Length.ShouldBeGreaterThanOrEqualTo(2, name);
            paragraphs.ShouldAllBe(p => p.Trim().Length > 5);
            (text.Html.Contains("<a href=\"https://app.example.com/"), text.Html.Contains("<code>")).ShouldBe(
                (hasLink, content.Code is not null || (content.Token is not null && !hasLink)), name);
            text.Html.ShouldStartWith($"<!DOCTYPE html>\r\n<html lang=\"{locale}\" dir=\"{(locale == "ar" ? "rtl" : "ltr")}\">");
            text.Html.ShouldEndWith("</body></html>\r\n");
            text.Html.ShouldContain($"<title>{text.Subject}</title>", Case.Sensitive, name);
            (text.Plain + text.Html).Replace("\r\n", "").ShouldNotContain("\n");
        }
        // One for each kind or change; that of an address to confirm serves three kinds.
        subjects.Distinct().Count().ShouldBe(15);
        if (locale != "en")
            subjects.Distinct().Count(s => s == "Confirm your e-mail address" || s.StartsWith("Your ")).ShouldBe(0);
    }

    [Theory]
    [InlineData("confirm_registration", false,
        "Please confirm that you registered with this e-mail address on 28 February 2027 at 13:04:05 UTC: "
            + "enter this code in the app. It is valid for 3 days.",
        "TOKEN",
        "If it was not you, do nothing: no account is made. "
            + "If you registered at another time, ask in the app for a new password instead.")]
    [InlineData("verify_email", true,
        "Please confirm that this e-mail address is yours: open this link. It is valid for 3 days.",
        "https://app.example.com/verify?lang=en&token=TOKEN",
        "If you did not ask for this, do nothing: the address is then not confirmed.")]
    [InlineData("reset_password", true,
        "Somebody, we hope you, asked for a new password for your account: open this link. It is valid for 3 days.",
        "https://app.example.com/reset?lang=en&token=TOKEN",
        "If it was not you, do nothing: your password stays as it is.")]
    [InlineData("email_change_requested", true,
        "Somebody, we hope you, has asked for new@example.com as the e-mail address of your account.",
        "If it was not you, change your password in the app now, and tell those who run this service: "
            + "soon no mail about the account will come here any more.")]
    [InlineData("email_changed", true,
        "The e-mail address of your account is now new@example.com, and no mail about the account will come here any more.",
        "If it was not you, tell those who run this service now.")]
    [InlineData("already_registered", true,
        "Somebody, we hope you, tried to use this e-mail address for an account. "
            + "It has one already: log in, or ask in the app for a new password.",
        "If it was not you, do nothing: nothing has changed.")]
    [InlineData("password_changed", true,
        "The password of your account was changed, and phones that were logged in have been logged out.",
        "If it was not you, ask in the app for a new password now, and tell those who run this service.")]
    public void A_mail_reads_like_this(string kind, bool hasLinks, params string[] paragraphs)
    {
        var sample = MailSample.All.First(s => s.Kind == kind).Content;
        Templates(hasLinks ? WithLinks : new()).Render(sample with
        {
            Token = sample.Token is null ? null : "TOKEN",
            TokenLifetime = TimeSpan.FromDays(3),
        }).Plain.ShouldBe(string.Join("\r\n\r\n", paragraphs) + "\r\n");
    }

    [Theory]
    [MemberData(nameof(Locales))]
    public void A_mail_of_an_addition_does_not_advise_what_leaves_the_addition_in_place(string locale)
    {
        var advice = MailSample.All.Where(s => s.Content.Change is not null).ToDictionary(
            s => s.Content.Change!.Value,
            s => Templates(new()).Render(s.Content with { Locale = locale }).Plain.Split("\r\n\r\n")[^1]);
        var password = advice[MailChange.PasskeyRemoved];
        advice.Where(a => a.Value == password).Select(a => a.Key).ShouldBe(
        [
            MailChange.SecondFactorRemoved, MailChange.SecondFactorReset, MailChange.RecoveryCodeUsed, MailChange.PasskeyRemoved,
            MailChange.IdentityRemoved,
        ]);
        advice[MailChange.PasskeyAdded].ShouldBe(advice[MailChange.IdentityAdded]);
        advice[MailChange.SecondFactorAdded].ShouldNotBe(advice[MailChange.PasskeyAdded]);
        if (locale == "en")
        {
            advice[MailChange.PasskeyAdded].ShouldStartWith("If it was not you, log in to the app now, remove it there and set a new");
            advice[MailChange.SecondFactorAdded].ShouldStartWith("If it was not you, tell those who run this service at once.");
        }
    }

    [Theory]
    [InlineData("en", "01:59:59", "It is valid for 119 minutes.")]
    [InlineData("en", "1.23:00:00", "It is valid for 47 hours.")]
    [InlineData("de", "02:00:00", "Er ist 2 Stunden gültig.")]
    [InlineData("fr", "30.00:00:00", "Il est valable 30 jours.")]
    [InlineData("es", "2.00:00:00", "Es válido durante 2 días.")]
    [InlineData("pt", "00:05:00", "Ele é válido por 5 minutos.")]
    [InlineData("ja", "02:00:00", "コードの有効期間は2時間です。")]
    [InlineData("ar", "00:05:00", "وهو صالح لمدة 5 دقائق.")]
    [InlineData("ar", "00:30:00", "وهو صالح لمدة 30 دقيقة.")]
    [InlineData("ar", "02:00:00", "وهو صالح لمدة ساعتين.")]
    [InlineData("ar", "01:43:00", "وهو صالح لمدة 103 دقائق.")]
    [InlineData("ar", "3.00:00:00", "وهو صالح لمدة 3 أيام.")]
    [InlineData("ar", "11.00:00:00", "وهو صالح لمدة 11 يومًا.")]
    public void A_duration_has_the_form_of_its_language(string locale, string lifetime, string sentence) =>
        Templates(new()).Render(new(MailKind.VerifyEmail, locale) { Token = "x", TokenLifetime = TimeSpan.Parse(lifetime) })
            .Plain.ShouldContain(sentence);

    [Theory]
    [InlineData("en", "on 1 November 2026 at 09:05:00 UTC:")]
    [InlineData("de", "am 1. November 2026 um 09:05:00 Uhr (UTC) ")]
    [InlineData("fr", "le 1er novembre 2026 à 09:05:00 (UTC)\u00A0:")]
    [InlineData("es", "el 1 de noviembre de 2026 a las 09:05:00 (UTC):")]
    [InlineData("pt", "em 1 de novembro de 2026 às 09:05:00 (UTC):")]
    [InlineData("ja", "2026年11月1日 09:05:00(UTC)")]
    [InlineData("ar", "في 1 نوفمبر 2026 الساعة 09:05:00 (UTC)")]
    public void A_time_has_the_form_of_its_language(string locale, string time) =>
        Templates(new()).Render(new(MailKind.ConfirmRegistration, locale) { Token = "x", RegisteredAt = new(2026, 11, 1, 9, 5, 0) })
            .Plain.ShouldContain(time);

    [Fact]
    public void A_value_cannot_inject_HTML()
    {
        var text = Templates(new()).Render(new(MailKind.EmailChanged, "ar")
        {
            NewEmail = "<script>alert('x')</script>&\"{{ token }}@example.com",
        });
        text.Html.ShouldNotContain("<script");
        text.Html.ShouldContain("&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;&amp;&quot;{{ token }}@example.com");
    }

    [Theory]
    [MemberData(nameof(Locales))]
    public void On_the_wire_a_mail_is_ASCII_in_short_lines_and_a_parser_reads_what_was_written(string locale)
    {
        foreach (var sample in MailSample.All)
        {
            var text = Templates(WithLinks).Render(sample.Content with { Locale = locale });
            using var message = Templates(WithLinks).Compose(
                "a@example.com", sample.Content with { Locale = locale }, app.Clock.GetUtcNow());
            using var wire = new MemoryStream();
            message.WriteTo(MailMessage.Format, wire, Cancellation);
            var raw = wire.ToArray();
            raw.ShouldAllBe(b => b < 128);
            var lines = Encoding.ASCII.GetString(raw).Split("\r\n");
            lines.ShouldAllBe(l => l.Length <= 998 && !l.Contains('\n'));
            using var read = new TestMail("", Encoding.ASCII.GetString(raw)).Message;
            Texts(read).ShouldBe([text.Subject, text.Plain, text.Html]);
            read.BodyParts.Cast<TextPart>().Select(p => p.ContentTransferEncoding).ShouldBe(
                new[] { text.Plain, text.Html }.Select(t => Ascii.IsValid(t) ? ContentEncoding.SevenBit
                    : locale is "ar" or "ja" ? ContentEncoding.Base64 : ContentEncoding.QuotedPrintable));
            if (locale == "en")
                Ascii.IsValid(text.Html).ShouldBeTrue();
        }
    }

    [Theory]
    [InlineData("de-AT", "de")]
    [InlineData("zh-Hant-TW, pt-BR;q=0.8, fr;q=0.9", "fr")]
    [InlineData("de;q=0, *;q=0.5, es;q=0.1", "es")]
    [InlineData("JA-jp-u-ca-japanese", "ja")]
    [InlineData("it, *", null)]
    [InlineData("en-GB, de", "en")]
    [InlineData("", null)]
    [InlineData("de;q=high, \0", null)]
    [InlineData("deu, d, de_AT", null)]
    [InlineData("de-aaaaaaaa-bbbbbbbb-cccccccc-ddddd, es", "de")]
    [InlineData("de-aaaaaaaa-bbbbbbbb-cccccccc-ddddddddd, es", "es")]
    [InlineData("a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,de", null)]
    public void The_best_language_of_a_request_is_taken(string header, string? locale)
    {
        var http = new DefaultHttpContext();
        http.Request.Headers.AcceptLanguage = header;
        new MailTemplateFiles(Options.Create(new MailOptions())).Match(http.Request).ShouldBe(locale);
    }

    [Fact]
    public async Task A_mail_is_in_the_language_of_the_profile_or_else_of_the_request()
    {
        var email = $"locale-{Guid.NewGuid():N}@example.com";
        const string Password = "correct horse battery staple";
        await PostAsync("/register", new { name = "John", email, password = Password }, "de-AT, en;q=0.5");
        var mail = await app.MailAsync(email, "Bestätigen Sie Ihre E-Mail-Adresse");
        mail.Message.TextBody!.ShouldContain("Er ist 3 Tage gültig.");
        mail.Message.TextBody!.ShouldContain(mail.Token);
        await PostAsync("/password/forgot", new { email }, "it");
        await app.MailAsync(email, "Set a new password");

        // The person decides, not whoever asks.
        var user = await app.LogInAsync(new(0, "John", email, Password, ""));
        using var client = app.ClientFor(user);
        (await client.PutAsJsonAsync("/me", new { name = "John", locale = "ja-JP" }, Cancellation)).StatusCode.ShouldBe(HttpStatusCode.OK);
        await PostAsync("/password/forgot", new { email }, "de");
        (await app.MailAsync(email, "新しいパスワードを設定してください")).Header("Content-Type").ShouldStartWith("multipart/alternative");
    }

    [Fact]
    public void Own_templates_take_the_place_of_the_files_of_their_names_and_add_languages()
    {
        var directory = Directory(
            ("layout.html", "<html lang=\"{{ locale }}\"><h1>{{ product }}</h1>"
                + "<p>{{ lines | join: ' ' }} {{ link }}{{ token }}{{ code }}</p>"),
            ("it.liquid", "{{ kind }}\n\nCiao\na tutti\n\n\nFine"), ("README.md", "{% nothing %}"), (".hidden.liquid", "{% nothing %}"));
        var templates = Templates(new() { Templates = directory });
        templates.Check();
        var text = templates.Render(new(MailKind.LoginCode, "it-CH") { Code = "048213" });
        text.ShouldBe(new("login_code", "Ciao a tutti\r\n\r\n048213\r\n\r\nFine\r\n",
            "<html lang=\"it\"><h1>Profiles</h1><p>Ciao a tutti Fine 048213</p>\r\n"));
        templates.Render(new(MailKind.LoginCode, "de") { Code = "048213" }).Subject.ShouldBe("Ihr Code zum Anmelden");
    }

    public static TheoryData<string, string, string> Broken => new()
    {
        { "layout.html", "<p>\n{% if link %}\n{{ link }}",
            "layout.html (Mail__Templates) is broken in line 3: '{% endif %}' was expected." },
        { "layout.txt", "{{ link }}\n\n{{ token | escpae }}",
            "layout.txt (Mail__Templates) is broken in line 3: there is no filter escpae." },
        { "layout.txt", "{{ link }}\ncode\n{{ cod }}", "layout.txt (Mail__Templates) is broken in line 3: there is no value cod." },
        { "layout.txt", "{{ lines.foremost }}", "layout.txt (Mail__Templates) is broken in line 1: there is no value foremost." },
        { "layout.txt", "{% include 'en' %}", "layout.txt (Mail__Templates) is broken in line 1: Unknown tag 'include'." },
        { "layout.txt", "a\n{% render 'en' %}", "layout.txt (Mail__Templates) is broken in line 2: Unknown tag 'render'." },
        { "layout.txt", "{% for i in (1..2000000000) %}{% endfor %}",
            "layout.txt (Mail__Templates) is broken in line 1: .. is not allowed." },
        { "layout.txt", "{{ lines | join: ' ' }} {{ link }} {{ token }}",
            "layout.txt (Mail__Templates) is broken: it does not show the link, the token or the code of verify_email." },
        { "layout.html", "{{ lines | join: ' ' }} {{ link }} {{ code }}",
            "layout.html (Mail__Templates) is broken: it does not show the link, the token or the code of verify_email." },
        { "en.liquid", "Hello, there is only a subject.",
            "en.liquid (Mail__Templates) is broken: verify_email needs a subject of at most 200 characters and a paragraph." },
        { "de.liquid", "\n\n{{ subject }}", "de.liquid (Mail__Templates) is broken in line 3: there is no value subject." },
        { "it.liquid", $"{new string('x', 201)}\n\ntext",
            "it.liquid (Mail__Templates) is broken: verify_email needs a subject of at most 200 characters and a paragraph." },
        { "de.liquid", new string('x', 70_000), "de.liquid (Mail__Templates) is broken: it has more than 65536 bytes." },
        { "de.liquid", "Subject\n\nb\u00E4d", "de.liquid (Mail__Templates) is broken: it is not UTF-8." },
        { "it.liquid", "{% assign s = '0123456789' %}{% for a in lines %}{% endfor %}", "it.liquid (Mail__Templates) is broken in line 1: "
            + "there is no value lines." },
        { "layout.txt", "{% assign s = 'x' %}" + Loops(5, "{% assign s = s | append: s %}"),
            "layout.txt (Mail__Templates) is broken: a value has more than 16384 characters." },
        { "layout.txt", "a\n{% tablerow a in lines %}{{ a }}{% endtablerow %}",
            "layout.txt (Mail__Templates) is broken in line 2: tablerow is not allowed." },
        { "layout.txt", "{% for a in lines %}{{ forloop.index }}{% else %}{{ nothing }}{% endfor %}",
            "layout.txt (Mail__Templates) is broken in line 1: there is no value nothing." },
        { "layout.txt", "{{ 1 | divided_by: 0 }}",
            "layout.txt (Mail__Templates) is broken: it cannot be rendered (DivideByZeroException)." },
        { "layout.txt", Loops(12, "x"), "layout.txt (Mail__Templates) is broken: it takes too many steps, or is nested too deeply." },
        { "layout.txt", Loops(30, "x"), "layout.txt (Mail__Templates) is broken: it takes too many steps, or is nested too deeply." },
        { "letter.html", "", "letter.html (Mail__Templates) is broken: "
            + "its name must be layout.html, layout.txt or that of a locale, such as de.liquid." },
        { "de_AT.liquid", "", "de_AT.liquid (Mail__Templates) is broken: "
            + "its name must be layout.html, layout.txt or that of a locale, such as de.liquid." },
    };

    [Theory]
    [MemberData(nameof(Broken))]
    public void A_broken_template_is_named_with_its_line(string file, string content, string fault)
    {
        var directory = Directory((file, content.Contains('\u00E4') ? "" : content));
        if (content.Contains('\u00E4'))
            File.WriteAllBytes(Path.Combine(directory, file), Encoding.Latin1.GetBytes(content));
        Should.Throw<StartException>(() => Templates(new() { Templates = directory }).Check()).Message
            .ShouldBe($"The mail template {fault}");
    }

    [Fact, Trait("Needs", "Process")]
    public async Task A_broken_template_stops_the_start()
    {
        var (exitCode, output) = await Refusal.OfAsync(("Mail__Templates", Directory(("de.liquid", "Hallo\n\n{{ codee }}"))));
        (exitCode, output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]).ShouldBe((1,
            "Profiles cannot start: The mail template de.liquid (Mail__Templates) is broken in line 3: there is no value codee."));
        output.ShouldNotContain("   at ");
    }

    /// <summary>The subject and the parts as they are on the wire; the parser's own properties change line ends.</summary>
    internal static string[] Texts(MimeMessage message) => [message.Subject!, .. message.BodyParts.Cast<TextPart>().Select(p =>
    {
        using var decoded = new MemoryStream();
        p.Content!.DecodeTo(decoded);
        return Encoding.UTF8.GetString(decoded.ToArray());
    })];

    [GeneratedRegex(" style=\"[^\"]*\"")]
    private static partial Regex Styles();

    static string Loops(int depth, string body) => string.Concat(Enumerable.Repeat("{% for a in lines %}", depth)) + body
        + string.Concat(Enumerable.Repeat("{% endfor %}", depth));

    static string Directory(params (string Name, string Content)[] files)
    {
        var directory = TemporaryDirectory.Make("templates");
        foreach (var (name, content) in files)
            File.WriteAllText(Path.Combine(directory, name), content);
        return directory;
    }

    async Task PostAsync(string path, object body, string languages)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body) };
        request.Headers.TryAddWithoutValidation("Accept-Language", languages);
        ((int)(await app.Client.SendAsync(request, Cancellation)).StatusCode).ShouldBeInRange(200, 299);
    }
}
