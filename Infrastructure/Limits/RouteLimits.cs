using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Telemetry;

namespace Profiles.Infrastructure.Limits;

/// <summary>The limits besides that of failed logins; <see cref="LimitsOptions"/> has their numbers.</summary>
enum Limit
{
    Registrations,
    Guests,
    Mails,

    /// <summary>By the mail's address and not the client's: mails that its owner asks for.</summary>
    MailsToOne,

    /// <summary>The same for mails that anybody may cause.</summary>
    MailsOfStrangers,

    /// <summary>By the session.</summary>
    Refreshes,
    UnknownTokens,
    EmailVerifications,
    PasswordResets,
    IdTokens,
    PasskeyLogins,

    /// <summary>By the user whose codes are tried.</summary>
    SecondFactorCodes,
    Exports,
    Uploads,
    PublicProfiles,
    AdminKeyFailures,
    IntrospectionFailures,
}

/// <summary>Route metadata: limited by the client's address on an anonymous route, by the user on any other.</summary>
sealed record Limited(Limit To);

/// <summary>Counts requests against the limits.</summary>
sealed class RouteLimits(LimitCounters counters, IOptions<LimitsOptions> options, ServiceMetrics metrics)
{
    static readonly TimeSpan Hour = TimeSpan.FromHours(1), TenMinutes = TimeSpan.FromMinutes(10);

    /// <summary>Counts one for an address, a user or a session; returns how long to wait when that exceeds the limit, else null.</summary>
    public async Task<TimeSpan?> WaitAsync(Limit limit, string whom, CancellationToken ct)
    {
        var o = options.Value;
        var (most, window) = limit switch
        {
            Limit.Registrations => (o.Registrations, Hour),
            Limit.Guests => (o.Guests, Hour),
            Limit.Mails => (o.Mails, Hour),
            Limit.MailsToOne => (o.MailsToOne, Hour),
            Limit.MailsOfStrangers => (o.MailsOfStrangers, Hour),
            Limit.Refreshes => (o.Refreshes, TenMinutes),
            Limit.UnknownTokens => (o.UnknownTokens, TenMinutes),
            Limit.EmailVerifications => (o.EmailVerifications, TenMinutes),
            Limit.PasswordResets => (o.PasswordResets, TenMinutes),
            Limit.IdTokens => (o.IdTokens, TenMinutes),
            Limit.PasskeyLogins => (o.PasskeyLogins, TenMinutes),
            Limit.SecondFactorCodes => (o.SecondFactorCodes, Hour),
            Limit.Exports => (o.Exports, Hour),
            Limit.Uploads => (o.Uploads, Hour),
            Limit.PublicProfiles => (o.PublicProfiles, TenMinutes),
            Limit.AdminKeyFailures => (o.AdminKeyFailures, TenMinutes),
            Limit.IntrospectionFailures => (o.IntrospectionFailures, TenMinutes),
            _ => throw new ArgumentOutOfRangeException(nameof(limit), limit, null),
        };
        var wait = o.Enabled ? await counters.TakeAsync(LimitKey.Of(limit.ToString(), whom), most, window, ct) : null;
        if (wait is not null)
            metrics.CountExceeded(limit.ToString());
        return wait;
    }

    /// <summary>How long to wait where this instance has counted beyond the limit, without counting again; else null.</summary>
    public TimeSpan? Refusal(Limit limit, string whom)
    {
        var wait = counters.Refusal(LimitKey.Of(limit.ToString(), whom));
        if (wait is not null)
            metrics.CountExceeded(limit.ToString());
        return wait;
    }

    /// <summary>
    /// Counts one for an address that the request names, before it is known whether anybody has it. Throws
    /// <see cref="RateLimitedException"/>.
    /// </summary>
    public async Task TakeAsync(Limit limit, string whom, CancellationToken ct)
    {
        if (await WaitAsync(limit, whom, ct) is { } wait)
            throw new RateLimitedException(wait);
    }

    /// <summary>Starts the count of these again.</summary>
    public Task ForgetAsync(Limit limit, string whom, CancellationToken ct) => counters.ClearAsync(LimitKey.Of(limit.ToString(), whom), ct);

    /// <summary>The same for a limit that is not reported: whether it is still within the limit.</summary>
    public async Task<bool> TryTakeAsync(Limit limit, string whom, CancellationToken ct) => await WaitAsync(limit, whom, ct) is null;
}
