using System.Buffers;
using System.Globalization;
using System.Text.RegularExpressions;
using System.Text.Unicode;
using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Errors;
using static BCrypt.Net.BCrypt;

namespace Profiles.Infrastructure.Passwords;

/// <summary>Hashes and verifies passwords with bcrypt, a bounded number at once: one hash at cost 12 keeps a core busy for a fifth of a second.</summary>
sealed partial class PasswordHasher : IDisposable
{
    /// <summary>How many may wait, the next is refused: fifty people may register in the same instant.</summary>
    public const int QueueLimit = 50;

    // One core is left to those who only read.
    readonly ConcurrencyLimiter slots = new(new()
    {
        PermitLimit = Math.Max(1, Environment.ProcessorCount - 1),
        QueueLimit = QueueLimit,
        QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
    });
    readonly int workFactor;
    readonly string nobodysHash;

    public PasswordHasher(IOptions<PasswordOptions> options)
    {
        workFactor = options.Value.WorkFactor;
        nobodysHash = HashPassword(Guid.NewGuid().ToString("N"), workFactor);
    }

    /// <summary>Hashes a password that the validator has passed. Throws <see cref="BusyException"/>.</summary>
    public Task<string> HashAsync(string password, CancellationToken ct) =>
        RunAsync(() => HashPassword(password, workFactor), ct);

    /// <summary>
    /// Whether the password is the one that was hashed. Without a hash, or with one that is damaged or cheaper than those of now, a no costs the same work,
    /// so that time does not tell which addresses are registered. Throws <see cref="BusyException"/>.
    /// </summary>
    public Task<bool> VerifyAsync(string password, string? hash, CancellationToken ct)
    {
        var usable = hash is not null && Sound().IsMatch(hash) && IsPassword(password);
        return RunAsync(
            () =>
            {
                if (Verify(usable ? password : "-", usable ? hash! : nobodysHash) && usable)
                    return true;
                if (usable)
                    SpendTheRest(hash!);
                return false;
            },
            ct);
    }

    /// <summary>Whether a hash was made with less work than is asked for now.</summary>
    public bool NeedsRehash(string hash) => PasswordNeedsRehash(hash, workFactor);

    public void Dispose() => slots.Dispose();

    // The validators refuse the same in a new password. BCrypt.Net throws for a lone surrogate, and to bcrypt, which reads a password over and
    // over, "a" and "a\0a" are one.
    static bool IsPassword(string text)
    {
        Span<byte> utf8 = stackalloc byte[User.PasswordMaxBytes];
        return Utf8.FromUtf16(text, utf8, out _, out _, replaceInvalidSequences: false) is OperationStatus.Done && !text.Contains('\0');
    }

    // A hash from before the work factor was raised is verified sooner. Its cost once more, the next one, and so on to the last before
    // the present one: as each step doubles, the sum is what is missing. (What costs more than is asked for now cannot be hidden so.)
    void SpendTheRest(string hash)
    {
        for (var cost = int.Parse(hash.AsSpan(4, 2), CultureInfo.InvariantCulture); cost < workFactor; cost++)
            HashPassword("-", cost);
    }

    async Task<T> RunAsync<T>(Func<T> work, CancellationToken ct)
    {
        using var slot = await slots.AcquireAsync(permitCount: 1, ct);
        if (!slot.IsAcquired)
            throw new BusyException();
        // Once begun it is finished: a hash cannot be cut short, and the slot is taken until it ends.
        return await Task.Run(work, CancellationToken.None);
    }

    // Cost 17 to 31 would take minutes to days: such a hash was never ours.
    [GeneratedRegex(@"^\$2[aby]\$(0[4-9]|1[0-6])\$[./A-Za-z0-9]{53}\z")]
    private static partial Regex Sound();
}
