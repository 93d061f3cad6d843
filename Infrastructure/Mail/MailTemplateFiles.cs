using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Options;
using Profiles.Data;

namespace Profiles.Infrastructure.Mail;

/// <summary>The files of the mail templates: the program's own, and in their place those of <c>Mail__Templates</c>.</summary>
sealed partial class MailTemplateFiles
{
    public const string HtmlLayout = "layout.html", TextLayout = "layout.txt", English = "en";

    const string Sentences = ".liquid", Resources = "mail-templates/";

    const int MaxBytes = 64 * 1024, MaxLanguages = 20;

    static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    readonly string? directory;
    readonly Lazy<string[]> locales;

    public MailTemplateFiles(IOptions<MailOptions> options)
    {
        directory = options.Value.Templates;
        locales = new(() =>
        [
            .. typeof(MailTemplateFiles).Assembly.GetManifestResourceNames().Where(n => n.StartsWith(Resources, StringComparison.Ordinal))
                .Concat(directory is null ? [] : Directory.GetFiles(directory)).Select(n => Path.GetFileName(n))
                .Where(n => OfLocale().IsMatch(n)).Select(n => n[..^Sentences.Length]).Distinct().Order(StringComparer.Ordinal),
        ]);
    }

    /// <summary>The locales that mails are written in, in order.</summary>
    public IReadOnlyList<string> Locales => locales.Value;

    /// <summary>The file of a locale's sentences.</summary>
    public static string SentencesOf(string locale) => locale + Sentences;

    /// <summary>Returns the best locale for a BCP 47 tag (RFC 4647, 3.4): <c>de</c> for <c>de-AT</c>. Null when there is none.</summary>
    public string? Match(string? tag)
    {
        // What is longer is no locale, and a header may have thousands of parts.
        var range = tag is { Length: <= UserProfile.LocaleMaxLength } ? tag : "";
        while (range.Length > 0)
        {
            if (Array.Find(locales.Value, l => l.Equals(range, StringComparison.OrdinalIgnoreCase)) is { } found)
                return found;
            range = range[..Math.Max(range.LastIndexOf('-'), 0)];
        }
        return null;
    }

    /// <summary>Returns the best locale for a client (RFC 9110, 12.5.4); null when it names none that there is.</summary>
    public string? Match(HttpRequest request) => request.GetTypedHeaders().AcceptLanguage.Take(MaxLanguages)
        .Where(l => l.Quality != 0).OrderByDescending(l => l.Quality ?? 1)
        .Select(l => Match(l.Value.Value)).FirstOrDefault(l => l is not null);

    /// <summary>Reads a template.</summary>
    /// <exception cref="MailTemplateException">It is not a text of a bearable size.</exception>
    public string Read(string name)
    {
        try
        {
            using var stream = directory is not null && Path.Combine(directory, name) is var path && File.Exists(path)
                ? File.OpenRead(path)
                : typeof(MailTemplateFiles).Assembly.GetManifestResourceStream(Resources + name)!;
            if (stream.Length > MaxBytes)
                throw new MailTemplateException(name, $"it has more than {MaxBytes} bytes");
            using var reader = new StreamReader(stream, Utf8);
            return reader.ReadToEnd().ReplaceLineEndings("\n");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or DecoderFallbackException)
        {
            throw new MailTemplateException(name, e is DecoderFallbackException ? "it is not UTF-8" : "it cannot be read");
        }
    }

    /// <summary>Refuses a file that is meant as a template and would not be used.</summary>
    /// <exception cref="MailTemplateException">There is one.</exception>
    public void RefuseOthers()
    {
        foreach (var name in Directory.GetFiles(directory!).Select(f => Path.GetFileName(f)))
        {
            if (Template().IsMatch(name) && name is not (HtmlLayout or TextLayout) && !OfLocale().IsMatch(name))
            {
                throw new MailTemplateException(
                    name, $"its name must be {HtmlLayout}, {TextLayout} or that of a locale, such as de.liquid");
            }
        }
    }

    [GeneratedRegex(@"^[^.].*\.(html|txt|liquid)$")]
    private static partial Regex Template();

    [GeneratedRegex(@"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*\.liquid$")]
    private static partial Regex OfLocale();
}

/// <summary>A template is broken.</summary>
/// <param name="file">Its file.</param>
/// <param name="fault">What is wrong, as the end of a sentence.</param>
/// <param name="line">The line; null when it is of no single one.</param>
sealed class MailTemplateException(string file, string fault, int? line = null)
    : Exception($"The mail template {file} (Mail__Templates) is broken{(line is null ? "" : $" in line {line}")}: {fault}.");
