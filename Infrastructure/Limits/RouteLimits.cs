using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Errors;

namespace Profiles.Infrastructure.Limits;

/// <summary>What is limited besides failed logins; <see cref="LimitsOptions"/> has the number of each.</summary>
enum Limit
{
    Registrations,
    Mails,

    /// <summary>By the address of the mail and not by that of the client: what its owner asks for.</summary>
    MailsToOne,

    /// <summary>The same of what anybody may cause.</summary>
    MailsOfStrangers,

    /// <summary>By the session.</summary>
    Refreshes,
    UnknownTokens,
    EmailVerifications,
    PasswordResets,
    Exports,
    Uploads,
    PublicProfiles,
}

/// <summary>Says of a route that it is limited: by its clients' addresses where it is anonymous, else by its users.</summary>
sealed record Limited(Limit To);

/// <summary>Counts requests by whom they come from.</summary>
sealed class RouteLimits(LimitCounters counters, IOptions<LimitsOptions> options)
{
    static readonly TimeSpan Hour = TimeSpan.FromHours(1), TenMinutes = TimeSpan.FromMinutes(10);

    /// <summary>Counts one for an address, a user, a session or whatever else is limited; null, or how long it must wait.</summary>
    public Task<TimeSpan?> WaitAsync(Limit limit, string whom, CancellationToken ct)
    {
        var o = options.Value;
        var (most, window) = limit switch
        {
            Limit.Registrations => (o.Registrations, Hour),
            Limit.Mails => (o.Mails, Hour),
            Limit.MailsToOne => (o.MailsToOne, Hour),
            Limit.MailsOfStrangers => (o.MailsOfStrangers, Hour),
            Limit.Refreshes => (o.Refreshes, TenMinutes),
            Limit.UnknownTokens => (o.UnknownTokens, TenMinutes),
            Limit.EmailVerifications => (o.EmailVerifications, TenMinutes),
            Limit.PasswordResets => (o.PasswordResets, TenMinutes),
            Limit.Exports => (o.Exports, Hour),
            Limit.Uploads => (o.Uploads, Hour),
            Limit.PublicProfiles => (o.PublicProfiles, TenMinutes),
            _ => throw new ArgumentOutOfRangeException(nameof(limit), limit, null),
        };
        return o.Enabled ? counters.TakeAsync(LimitKey.Of(limit.ToString(), whom), most, window, ct) : Task.FromResult<TimeSpan?>(null);
    }

    /// <summary>
    /// Counts one for somebody whom the request names, such as the address that a mail is to go to: before it is known whether that is anybody's.
    /// Throws <see cref="RateLimitedException"/>, which is answered 429.
    /// </summary>
    public async Task TakeAsync(Limit limit, string whom, CancellationToken ct)
    {
        if (await WaitAsync(limit, whom, ct) is { } wait)
            throw new RateLimitedException(wait);
    }

    /// <summary>The same where nobody is to be told: whether it may be done.</summary>
    public async Task<bool> TryTakeAsync(Limit limit, string whom, CancellationToken ct) => await WaitAsync(limit, whom, ct) is null;
}
