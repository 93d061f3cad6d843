using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Profiles.Tests;

/// <summary>A mail as it was written.</summary>
sealed record TestMail(string Path, string Raw)
{
    public string Subject => Header("Subject");

    public string To => Header("To").Trim('<', '>');

    /// <summary>The code that the text shows, or what the link has at its end.</summary>
    public string Token => Regex.Match(Raw, @"(?<=^|=)[A-Za-z0-9_-]{43}(?=\r\n)", RegexOptions.Multiline).Value;

    public string Header(string name) => Regex.Match(Raw, $@"^{name}: (.*)\r\n", RegexOptions.Multiline).Groups[1].Value;
}

/// <summary>The mails of a service without a mail server.</summary>
static class MailBox
{
    /// <summary>The mails to an address, the first one first.</summary>
    public static TestMail[] MailsTo(this ProfilesFixture app, string address)
    {
        var directory = Path.Combine(app.Root, "data", "mail");
        return Directory.Exists(directory)
            ? [.. Directory.GetFiles(directory, "*.eml").Order(StringComparer.Ordinal).Select(f => new TestMail(f, File.ReadAllText(f))).Where(m => m.To == address)]
            : [];
    }

    /// <summary>Waits for the mail with this subject to an address; the one before it does not count.</summary>
    public static async Task<TestMail> MailAsync(this ProfilesFixture app, string address, string subject, int count = 1)
    {
        var patience = Stopwatch.StartNew();
        while (true)
        {
            var found = app.MailsTo(address).Where(m => m.Subject == subject).ToArray();
            if (found.Length >= count)
                return found[count - 1];
            patience.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(30), $"No mail \"{subject}\" number {count}.");
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }
}
