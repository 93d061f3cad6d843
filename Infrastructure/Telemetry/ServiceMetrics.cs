using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Profiles.Infrastructure.Telemetry;

/// <summary>
/// What the service measures of itself; docs/observing.md describes each. Labels are words of fixed lists, never a client's text. Without a
/// listener a measurement costs nothing.
/// </summary>
sealed class ServiceMetrics
{
    /// <summary>The name of the meter and of the source of spans.</summary>
    public const string Name = "Profiles";

    /// <summary>The source of spans.</summary>
    public static readonly ActivitySource Spans = new(Name);

    static readonly InstrumentAdvice<double> Seconds = new()
    {
        HistogramBucketBoundaries = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
    };

    readonly Meter meter;

    public ServiceMetrics(IMeterFactory meters)
    {
        meter = meters.Create(Name);
        Logins = meter.CreateCounter<long>("profiles.logins", "{login}", "Log-ins by outcome.");
        Registrations = meter.CreateCounter<long>("profiles.registrations", "{registration}", "Registrations by outcome.");
        Refreshes = meter.CreateCounter<long>("profiles.refreshes", "{refresh}", "Refreshes of a session by outcome.");
        Limits = meter.CreateCounter<long>("profiles.limits.exceeded", "{request}", "Requests and mails beyond a limit.");
        Mails = meter.CreateCounter<long>("profiles.mails", "{mail}", "Attempts to hand a mail over by outcome.");
        Webhooks = meter.CreateCounter<long>("profiles.webhooks", "{webhook}", "Attempts to deliver a webhook by outcome.");
        PasswordWait = Duration("profiles.passwords.wait.duration", "How long passwords wait for a thread that hashes.");
        PasswordHash = Duration("profiles.passwords.hash.duration", "How long hashing or verifying a password takes.");
        ImageWait = Duration("profiles.images.wait.duration", "How long uploaded images wait for a worker.");
        ImageDecode = Duration("profiles.images.decode.duration", "How long workers take for an uploaded image.");
        StorageCall = Duration("profiles.storage.call.duration", "How long calls to the image storage take.");
    }

    public Counter<long> Logins { get; }

    public Counter<long> Registrations { get; }

    public Counter<long> Refreshes { get; }

    public Counter<long> Limits { get; }

    public Counter<long> Mails { get; }

    public Counter<long> Webhooks { get; }

    public Histogram<double> PasswordWait { get; }

    public Histogram<double> PasswordHash { get; }

    public Histogram<double> ImageWait { get; }

    public Histogram<double> ImageDecode { get; }

    public Histogram<double> StorageCall { get; }

    /// <summary>Reports how many passwords wait.</summary>
    public void ObservePasswords(Func<long> waiting) =>
        meter.CreateObservableUpDownCounter("profiles.passwords.waiting", waiting, "{password}", "Passwords that wait to be hashed.");

    /// <summary>Reports how many images wait.</summary>
    public void ObserveImages(Func<long> waiting) =>
        meter.CreateObservableUpDownCounter("profiles.images.waiting", waiting, "{image}", "Uploaded images that wait for a worker.");

    /// <summary>Reports what is in the outbox.</summary>
    public void ObserveOutbox(Func<IEnumerable<Measurement<long>>> entries, Func<IEnumerable<Measurement<double>>> ages)
    {
        meter.CreateObservableGauge("profiles.outbox.entries", entries, "{entry}", "Entries of the outbox.");
        meter.CreateObservableGauge("profiles.outbox.age", ages, "s", "The age of the oldest entry of the outbox.");
    }

    /// <summary>Counts a request or mail beyond a limit.</summary>
    /// <param name="limit">The name of the setting.</param>
    public void CountExceeded(string limit) => Limits.Add(1, new KeyValuePair<string, object?>("limit", Words.Of(limit)));

    Histogram<double> Duration(string name, string description) => meter.CreateHistogram(name, "s", description, advice: Seconds);
}
