using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using MimeKit;
using Profiles.Data;
using Profiles.Infrastructure.Outbox;

namespace Profiles.Tests;

/// <summary>A mail as written to its file.</summary>
sealed record TestMail(string Path, string Raw)
{
    /// <summary>What a mail program makes of it.</summary>
    public MimeMessage Message => MimeMessage.Load(new MemoryStream(Encoding.ASCII.GetBytes(Raw)), TestContext.Current.CancellationToken);

    public string Subject => Message.Subject ?? "";

    public string To => Header("To").Trim('<', '>');

    /// <summary>The code in the text, or the end of the link.</summary>
    public string Token => Regex.Match(Raw, @"(?<=^|=)[A-Za-z0-9_-]{43}(?=\r\n)", RegexOptions.Multiline).Value;

    /// <summary>The six digits in the text.</summary>
    public string Digits => Regex.Match(Message.TextBody ?? "", @"^\d{6}(?=\r?$)", RegexOptions.Multiline).Value;

    public string Header(string name) => Regex.Match(Raw, $@"^{name}: (.*)\r\n", RegexOptions.Multiline).Groups[1].Value;
}

/// <summary>Reads the mails of a service without a mail server.</summary>
static class MailBox
{
    // Longer than the time to the second attempt after a failed one.
    static readonly TimeSpan Longest = TimeSpan.FromSeconds(60);

    const int DescribedCommands = 200, CommandLength = 80;

    /// <summary>The mails to an address, oldest first.</summary>
    public static TestMail[] MailsTo(this ProfilesFixture app, string address)
    {
        var directory = Path.Combine(app.Root, "data", "mail");
        return Directory.Exists(directory)
            ? [.. Directory.GetFiles(directory, "*.eml").Order(StringComparer.Ordinal).Select(f => new TestMail(f, File.ReadAllText(f)))
                .Where(m => m.To == address)]
            : [];
    }

    /// <summary>Waits for the given number of mails with this subject to an address and returns the last.</summary>
    public static async Task<TestMail> MailAsync(this ProfilesFixture app, string address, string subject, int count = 1)
    {
        var patience = Stopwatch.StartNew();
        while (true)
        {
            var found = app.MailsTo(address).Where(m => m.Subject == subject).ToArray();
            if (found.Length >= count)
                return found[count - 1];
            if (patience.Elapsed > Longest)
                Assert.Fail($"No mail \"{subject}\" number {count}, but {found.Length}. {await DescribeAsync(app, address)}");
            await LookAsync(app);
        }
    }

    /// <summary>Waits until the outbox holds no mail, to this address when one is given.</summary>
    public static async Task SentAsync(this ProfilesFixture app, string? address = null)
    {
        var patience = Stopwatch.StartNew();
        while (await app.QueryAsync(db => db.Outbox.AnyAsync(e => e.Store == OutboxStore.Mail && (address == null || e.Key == address))))
        {
            patience.Elapsed.ShouldBeLessThan(Longest);
            await LookAsync(app);
        }
    }

    // Some mails are due a second or two after their commit, and the outbox polls only every two seconds.
    static Task LookAsync(ProfilesFixture app)
    {
        app.Services.GetRequiredService<OutboxSignal>().Wake();
        return Task.Delay(50, TestContext.Current.CancellationToken);
    }

    static async Task<string> DescribeAsync(ProfilesFixture app, string address)
    {
        var waiting = await app.QueryAsync(db => db.Outbox.Where(e => e.Store == OutboxStore.Mail)
            .Select(e => $"{e.Mail} due {e.DueAt:O} attempts {e.Attempts} {(e.Key == address ? "of this address" : "of another")}")
            .ToListAsync());
        // What the service did from the first command that names the address on.
        var commands = app.Services.GetRequiredService<CommandLog>().Of(trace: null)
            .SkipWhile(c => !c.Parameters.Any(p => Equals(p.Value, address))).Take(DescribedCommands)
            .Select(c => $"{c.Text.ReplaceLineEndings(" "),-CommandLength}"[..CommandLength]
                + $" [{string.Join(", ", c.Parameters.Select(p => p.Value))}]");
        return $"It is {app.Clock.GetUtcNow():O}; the mails that wait: {string.Join(", ", waiting)}\n{string.Join('\n', commands)}";
    }
}
