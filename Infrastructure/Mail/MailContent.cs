using System.Buffers.Text;
using Profiles.Data;

namespace Profiles.Infrastructure.Mail;

/// <summary>What a mail says, before a template puts it into words.</summary>
/// <param name="Kind">The kind.</param>
/// <param name="Locale">The language to write in, as a BCP 47 tag; without it, or without a template for it, English.</param>
sealed record MailContent(MailKind Kind, string? Locale)
{
    /// <summary>The token of the link, or to be copied into the app where there is no link.</summary>
    public string? Token { get; init; }

    /// <summary>How long <see cref="Token"/> is valid.</summary>
    public TimeSpan TokenLifetime { get; init; }

    /// <summary>Six digits to be entered in the app.</summary>
    public string? Code { get; init; }

    /// <summary>How long <see cref="Code"/> is valid.</summary>
    public TimeSpan CodeLifetime { get; init; }

    /// <summary>The new address of a change; null when it is no longer pending.</summary>
    public string? NewEmail { get; init; }

    /// <summary>The time of a registration in UTC: somebody else may have registered the same address at another time.</summary>
    public DateTime? RegisteredAt { get; init; }

    /// <summary>What was changed, of <see cref="MailKind.SecondFactorChanged"/> and <see cref="MailKind.WayInChanged"/>.</summary>
    public MailChange? Change { get; init; }

    /// <summary>Who gives the identity of a <see cref="Change"/>, such as <c>apple</c>.</summary>
    public string? Provider { get; init; }

    /// <summary>The payload of an outbox entry; null when it would say nothing.</summary>
    public static string? Payload(string? locale, MailChange? change, string? provider, byte[]? request) =>
        locale is null && change is null && request is null
            ? null : $"{locale ?? MailTemplateFiles.English} {change} {provider} {Base64Url.EncodeToString(request)}".TrimEnd();

    /// <summary>The hash of the token of the request that an outbox entry's mail answers; empty for a mail that answers none.</summary>
    public static byte[] RequestOf(OutboxEntry entry) =>
        entry.Payload?.Split(' ') is [_, _, _, var request] ? Base64Url.DecodeFromChars(request) : [];

    /// <summary>Begins the content of an outbox entry's mail.</summary>
    /// <param name="entry">The entry.</param>
    /// <param name="locale">The locale of the recipient's profile. Without it the mail is written in that of the request.</param>
    public static MailContent Of(OutboxEntry entry, string? locale)
    {
        var payload = entry.Payload?.Split(' ') ?? [];
        return new(entry.Mail!.Value, locale ?? payload.ElementAtOrDefault(0))
        {
            Change = Enum.TryParse<MailChange>(payload.ElementAtOrDefault(1), out var change) ? change : null,
            Provider = payload.ElementAtOrDefault(2),
        };
    }
}

/// <summary>What a mail to the owner says was changed. The names are in the database and in the templates.</summary>
enum MailChange
{
    SecondFactorAdded,
    SecondFactorRemoved,

    /// <summary>By an operator.</summary>
    SecondFactorReset,

    RecoveryCodeUsed,
    PasskeyAdded,
    PasskeyRemoved,
    IdentityAdded,
    IdentityRemoved,
}
