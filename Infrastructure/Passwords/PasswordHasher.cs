using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using System.Text.Unicode;
using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Telemetry;

namespace Profiles.Infrastructure.Passwords;

/// <summary>
/// Hashes and verifies passwords with bcrypt, a limited number at once: one hash at cost 12 takes a core for a fifth of a second.
/// </summary>
sealed partial class PasswordHasher : IDisposable
{
    /// <summary>The number of passwords that may wait; the next is refused.</summary>
    public const int QueueLimit = 50;

    const int LeastCost = 4;

    const long LargeBytes = 16 * 1024 * 1024;

    readonly Bcrypt bcrypt = new(Bcrypt.Libcrypt);
    readonly HashingThreads threads = new();
    readonly ConcurrencyLimiter slots = Limiter(Environment.ProcessorCount);

    // Imported hashes that need much memory, one at a time: as many as there are processors could take gigabytes.
    readonly ConcurrencyLimiter large = Limiter(1);
    readonly ServiceMetrics metrics;
    readonly int workFactor;
    readonly string dummyHash;
    readonly Lazy<TimeSpan> currentTime;

    public PasswordHasher(IOptions<PasswordOptions> options, ServiceMetrics metrics)
    {
        this.metrics = metrics;
        metrics.ObservePasswords(
            () => (slots.GetStatistics()?.CurrentQueuedCount ?? 0) + (large.GetStatistics()?.CurrentQueuedCount ?? 0));
        workFactor = options.Value.WorkFactor;
        // Of no password; verifying one against it is as costly as against any.
        dummyHash = string.Create(CultureInfo.InvariantCulture, $"$2a${workFactor:00}${new string('.', 53)}");
        currentTime = new(MeasureCurrent);
    }

    /// <summary>Hashes a password that the validator has accepted. Throws <see cref="BusyException"/>.</summary>
    public Task<string> HashAsync(string password, CancellationToken ct) =>
        RunAsync(() => bcrypt.Hash(password, workFactor), ct);

    /// <summary>
    /// Whether the password has this hash. A refusal always takes the work of a current hash, also without a hash or with a damaged or
    /// cheaper one, so that timing does not reveal which addresses are registered. Throws <see cref="BusyException"/>.
    /// </summary>
    public Task<bool> VerifyAsync(string password, string? hash, CancellationToken ct)
    {
        if (hash is not null && IsPassword(password) && ImportedHash.Read(hash) is { IsTooCostly: false } imported)
            return imported.MemoryBytes <= LargeBytes
                ? RunAsync(() => Verify(imported, password), ct) : RunLargeAsync(() => Verify(imported, password), ct);
        var usable = hash is not null && IsBcrypt(hash) && IsPassword(password);
        return RunAsync(
            () =>
            {
                if (bcrypt.Verify(usable ? password : "-", usable ? hash! : dummyHash) && usable)
                    return true;
                if (usable)
                    DoRemainingWork(hash!);
                return false;
            },
            ct);
    }

    /// <summary>Whether a hash has a lower work factor than the setting, or was made by another service and not with bcrypt.</summary>
    public bool NeedsRehash(string hash) => !IsBcrypt(hash) || BCrypt.Net.BCrypt.PasswordNeedsRehash(hash, workFactor);

    /// <summary>Whether this is a hash of bcrypt, at a cost that is verified.</summary>
    public static bool IsBcrypt(string hash) => BcryptHash().IsMatch(hash);

    public void Dispose()
    {
        slots.Dispose();
        large.Dispose();
        threads.Dispose();
    }

    // The validators refuse the same in a new password. BCrypt.Net throws for a lone surrogate, and bcrypt, which repeats the password,
    // cannot distinguish "a" from "a\0a".
    static bool IsPassword(string text)
    {
        Span<byte> utf8 = stackalloc byte[User.PasswordMaxBytes];
        return Utf8.FromUtf16(text, utf8, out _, out _, replaceInvalidSequences: false) is OperationStatus.Done && !text.Contains('\0');
    }

    // A hash with a lower work factor is verified faster. Hashing once at each cost from its own up to the last below the current one adds
    // exactly the difference, because each step doubles the work. (A hash with a higher work factor remains slower.)
    void DoRemainingWork(string hash)
    {
        for (var cost = int.Parse(hash.AsSpan(4, 2), CultureInfo.InvariantCulture); cost < workFactor; cost++)
            bcrypt.Hash("-", cost);
    }

    bool Verify(ImportedHash hash, string password)
    {
        var start = Stopwatch.GetTimestamp();
        if (hash.Verify(password))
            return true;
        // Each lower cost of bcrypt is half of the next: together they are what is missing to a current hash, to a sixteenth.
        var missing = 1 - (Stopwatch.GetElapsedTime(start) / currentTime.Value);
        for (var (cost, share) = (workFactor - 1, 0.5); cost >= LeastCost && share >= 1 / 16.0; cost--, share /= 2)
        {
            if (missing < share)
                continue;
            missing -= share;
            bcrypt.Hash("-", cost);
        }
        return false;
    }

    // From the shortest of a few hashes at a lower cost, because the machine may be busy.
    TimeSpan MeasureCurrent()
    {
        var cost = Math.Max(LeastCost, workFactor - 3);
        return Enumerable.Range(0, 3).Min(_ =>
        {
            var start = Stopwatch.GetTimestamp();
            bcrypt.Hash("-", cost);
            return Stopwatch.GetElapsedTime(start);
        }) * (1 << (workFactor - cost));
    }

    static ConcurrencyLimiter Limiter(int permits) => new(new()
    {
        PermitLimit = permits,
        QueueLimit = QueueLimit,
        QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
    });

    // Waits before it takes a slot, which others can use meanwhile.
    async Task<T> RunLargeAsync<T>(Func<T> work, CancellationToken ct)
    {
        using var turn = await metrics.PasswordWait.TimeAsync(() => WaitAsync(large, ct));
        return await RunAsync(work, ct);
    }

    async Task<T> RunAsync<T>(Func<T> work, CancellationToken ct)
    {
        using var slot = await metrics.PasswordWait.TimeAsync(() => WaitAsync(slots, ct));
        using var span = ServiceMetrics.Spans.StartActivity("hash password");
        // Not cancelled: a hash cannot be interrupted, and holds its slot until it ends.
        return await metrics.PasswordHash.TimeAsync(() => Task.Factory.StartNew(
            work, CancellationToken.None, TaskCreationOptions.RunContinuationsAsynchronously, threads));
    }

    static async Task<RateLimitLease> WaitAsync(ConcurrencyLimiter limiter, CancellationToken ct) =>
        await limiter.AcquireAsync(permitCount: 1, ct) is { IsAcquired: true } slot ? slot : throw new BusyException();

    // Costs 17 to 31, which would take minutes to days, are never stored.
    [GeneratedRegex(@"^\$2[aby]\$(0[4-9]|1[0-6])\$[./A-Za-z0-9]{53}\z")]
    private static partial Regex BcryptHash();
}
