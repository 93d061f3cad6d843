using System.Collections.Concurrent;
using System.Text.Encodings.Web;
using System.Text.RegularExpressions;
using System.Text.Unicode;
using Fluid;
using Fluid.Ast;
using Fluid.Values;
using Microsoft.Extensions.Options;
using MimeKit;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Mail;

/// <summary>
/// Puts mails into words by templates (Liquid): the file of a locale has the subject and the paragraphs of every kind, and two layouts
/// make the text and the HTML of them. They quote nothing that users write except addresses, because a stranger can have a mail sent to
/// anybody. Whoever sends no mail loads nothing of it.
/// </summary>
sealed partial class MailTemplates(MailTemplateFiles files, IOptions<MailOptions> options, IOptions<ServiceOptions> service)
{
    // A template that needs more has a mistake.
    const int MaxSteps = 1000, MaxDepth = 20, MaxValueLength = 16 * 1024, MaxSubjectLength = 200;

    static readonly string[] Values =
    [
        "kind", "locale", "dir", "product", "link", "token", "minutes", "hours", "days", "code", "code_minutes", "new_email",
        "registered_at", "change", "provider",
    ];

    static readonly string[] LayoutValues = [.. Values, "subject", "lines"];

    static readonly string[] RightToLeft = ["ar", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"];

    static readonly FluidParser Parser = MakeParser();
    static readonly TemplateOptions Bounds = MakeBounds();

    // Letters of every language as they are; what HTML gives a meaning to is encoded.
    static readonly HtmlEncoder Html = HtmlEncoder.Create(UnicodeRanges.All);

    readonly ConcurrentDictionary<string, IFluidTemplate> parsed = new();

    /// <summary>Makes the message of a mail.</summary>
    public MimeMessage Compose(string recipient, MailContent content, DateTimeOffset now) =>
        MailMessage.Make(options.Value.Sender!, recipient, Render(content), now);

    /// <summary>Puts a mail into words.</summary>
    /// <exception cref="MailTemplateException">A template is broken.</exception>
    public MailText Render(MailContent content)
    {
        var locale = files.Match(content.Locale) ?? MailTemplateFiles.English;
        var context = ContextFor(content, locale);
        var sentences = MailTemplateFiles.SentencesOf(locale);
        var paragraphs = EmptyLines().Split(Run(sentences, context, NullEncoder.Default).Trim())
            .Select(p => p.ReplaceLineEndings(" ")).ToArray();
        if (paragraphs is not [{ Length: > 0 and <= MaxSubjectLength } subject, _, ..])
        {
            throw new MailTemplateException(
                sentences, $"{MailSample.NameOf(content.Kind)} needs a subject of at most {MaxSubjectLength} characters and a paragraph");
        }
        context.SetValue("subject", subject).SetValue("lines", FluidValue.Create(paragraphs[1..], Bounds));
        var plain = EmptyLines().Replace(Run(MailTemplateFiles.TextLayout, context, NullEncoder.Default).Trim(), "\n\n");
        var html = Run(MailTemplateFiles.HtmlLayout, context, Html).Trim();
        return new(subject, WithLineEnds(plain), WithLineEnds(html));

        static string WithLineEnds(string text) => text.ReplaceLineEndings("\r\n") + "\r\n";
    }

    /// <summary>Renders every kind in every locale.</summary>
    /// <exception cref="StartException">A template is broken.</exception>
    public void Check()
    {
        try
        {
            if (options.Value.Templates is not null)
                files.RefuseOthers();
            foreach (var (sample, locale) in MailSample.All.SelectMany(s => files.Locales.Select(l => (s, l))))
            {
                var text = Render(sample.Content with { Locale = locale });
                foreach (var shown in new[] { LinkOf(sample.Content) ?? sample.Content.Token, sample.Content.Code }.OfType<string>())
                {
                    Require(text.Plain.Contains(shown, StringComparison.Ordinal), MailTemplateFiles.TextLayout, sample);
                    Require(text.Html.Contains(Html.Encode(shown), StringComparison.Ordinal), MailTemplateFiles.HtmlLayout, sample);
                }
            }
        }
        catch (MailTemplateException e)
        {
            throw new StartException(e.Message);
        }

        static void Require(bool isShown, string file, MailSample sample)
        {
            if (!isShown)
                throw new MailTemplateException(file, $"it does not show the link, the token or the code of {sample.Kind}");
        }
    }

    string? LinkOf(MailContent content) =>
        content.Token is { } token
            && (content.Kind == Data.MailKind.ResetPassword ? options.Value.ResetUrl : options.Value.VerifyUrl) is { } template
            ? MailOptions.Fill(template, token)
            : null;

    TemplateContext ContextFor(MailContent content, string locale)
    {
        var context = new TemplateContext(Bounds);
        Set("kind", MailSample.NameOf(content.Kind));
        Set("locale", locale);
        Set("dir", RightToLeft.Contains(locale.Split('-')[0]) ? "rtl" : "ltr");
        Set("product", service.Value.ProductName);
        Set("link", LinkOf(content));
        Set("token", LinkOf(content) is null ? content.Token : null);
        Set("code", content.Code);
        Set("new_email", content.NewEmail);
        Set("change", content.Change is { } change ? MailSample.NameOf(change) : null);
        Set("provider", content.Provider is [var first, .. var rest] ? char.ToUpperInvariant(first) + rest : null);
        var (unit, number) = InUnits(content.TokenLifetime);
        context.SetValue(unit, NumberValue.Create(number));
        context.SetValue("code_minutes", NumberValue.Create((int)content.CodeLifetime.TotalMinutes));
        if (content.RegisteredAt is { } time)
            context.SetValue("registered_at", new DateTimeValue(new DateTimeOffset(time, TimeSpan.Zero)));
        return context;

        void Set(string name, string? value)
        {
            if (value is not null)
                context.SetValue(name, new StringValue(value));
        }
    }

    static (string Unit, int Number) InUnits(TimeSpan time) => time switch
    {
        { TotalHours: < 2 } => ("minutes", (int)time.TotalMinutes),
        { TotalDays: < 2 } => ("hours", (int)time.TotalHours),
        _ => ("days", (int)time.TotalDays),
    };

    string Run(string file, TemplateContext context, TextEncoder encoder)
    {
        try
        {
            return parsed.GetOrAdd(file, Parse).Render(context, encoder);
        }
        catch (Exception e) when (e is not MailTemplateException)
        {
            // The message of another exception may repeat a value.
            throw new MailTemplateException(file, e switch
            {
                FluidException => e.Message.TrimEnd('.'),
                InvalidOperationException => "it takes too many steps, or is nested too deeply",
                _ => $"it cannot be rendered ({e.GetType().Name})",
            });
        }
    }

    IFluidTemplate Parse(string file)
    {
        var source = files.Read(file);
        if (!Parser.TryParse(source, out var template, out var error))
        {
            var place = Place().Match(error);
            throw place.Success
                ? new MailTemplateException(file, place.Groups[1].Value, int.Parse(place.Groups[2].ValueSpan))
                : new(file, error);
        }
        var names = new MailTemplateNames();
        names.Visit(((IStatementList)template).Statements);
        var isLayout = file is MailTemplateFiles.HtmlLayout or MailTemplateFiles.TextLayout;
        if (names.Unknown(isLayout ? LayoutValues : Values).FirstOrDefault() is { } value)
            throw new MailTemplateException(file, $"there is no value {value}", LineOf(source, value));
        if (names.Filters.Find(f => !Bounds.Filters.TryGetValue(f, out _)) is { } filter)
            throw new MailTemplateException(file, $"there is no filter {filter}", LineOf(source, filter));
        return names.Refused is { } refused
            ? throw new MailTemplateException(file, $"{refused} is not allowed", LineOf(source, refused))
            : template;
    }

    // A parsed template does not know its lines.
    static int LineOf(string source, string name) =>
        Regex.Match(source, @"\{[{%](?:(?![%}]\}).)*?(?<!\w)" + Regex.Escape(name), RegexOptions.Singleline) is { Success: true } match
            ? source.AsSpan(0, match.Index + match.Length).Count('\n') + 1 : 1;

    static FluidParser MakeParser()
    {
        var parser = new FluidParser();
        // A template is one file.
        parser.RegisteredTags.Remove("include");
        parser.RegisteredTags.Remove("render");
        return parser;
    }

    static TemplateOptions MakeBounds() => new()
    {
        MaxSteps = MaxSteps,
        MaxRecursion = MaxDepth,
        TimeZone = TimeZoneInfo.Utc,
        Assigned = (_, value, _) => Bounded(value),
        Captured = (_, value, _) => Bounded(value),
    };

    static ValueTask<FluidValue> Bounded(FluidValue value) => value.ToStringValue().Length > MaxValueLength
        ? throw new FluidException($"a value has more than {MaxValueLength} characters") : new(value);

    [GeneratedRegex(@"\n\s*\n")]
    private static partial Regex EmptyLines();

    [GeneratedRegex(@"^(.*?)\.? at \((\d+):\d+\)")]
    private static partial Regex Place();
}
