using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Identities;
using Profiles.Infrastructure.SecondFactors;
using Profiles.Infrastructure.Webhooks;

namespace Profiles.Features.Check;

/// <summary>Reports the stored secrets that the present <c>Jwt__KeyEncryptionKey</c> does not open.</summary>
sealed class CheckSecrets(ProfilesDbContext db, TotpSecrets apps, AppleOutbox apple, WebhookEndpoints webhooks)
{
    /// <summary>Prints what it finds and returns the exit code: 0 when all of them open, else 1.</summary>
    public async Task<int> RunAsync(TextWriter output, CancellationToken ct)
    {
        var findings = new[]
        {
            (await CountAsync(db.SecondFactors.Select(f => f.Secret), apps.CanOpen, ct),
                "authenticator apps: their owners log in with recovery codes, or need `users reset-mfa`"),
            (await CountAsync(db.Identities.Where(i => i.RefreshToken != null).Select(i => i.RefreshToken!), apple.CanOpen, ct),
                "identities of Apple: their authorizations are not revoked with the account"),
            (await CountAsync(db.WebhookEndpoints.Select(e => e.Secret), webhooks.Envelope.CanOpen, ct),
                "webhooks: nothing is sent there before `webhooks rotate`"),
        }
            .Where(f => f.Item1 > 0).ToArray();
        foreach (var (count, whose) in findings)
        {
            await output.WriteLineAsync(string.Create(
                CultureInfo.InvariantCulture, $"Jwt__KeyEncryptionKey does not open the secrets of {count} {whose}."));
        }
        return findings.Length == 0 ? 0 : 1;
    }

    static async Task<int> CountAsync(IQueryable<string> stored, Func<string, bool> canOpen, CancellationToken ct)
    {
        var count = 0;
        await foreach (var each in stored.AsAsyncEnumerable().WithCancellation(ct))
            count += canOpen(each) ? 0 : 1;
        return count;
    }
}
