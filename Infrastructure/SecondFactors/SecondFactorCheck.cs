using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Limits;
using Profiles.Infrastructure.Mail;
using Profiles.Infrastructure.SecurityEvents;

namespace Profiles.Infrastructure.SecondFactors;

/// <summary>What a right code proves, until it is used up: a time step of the app, or a recovery code.</summary>
sealed record SecondFactorProof(long UserId, string? Secret, long Step, byte[]? RecoveryHash);

/// <summary>Verifies the codes of a second factor, a limited number for each user, and accepts each of them once.</summary>
sealed class SecondFactorCheck(
    ProfilesDbContext db, TotpSecrets secrets, RouteLimits limits, SecurityEventLog events, MailOutbox mails)
{
    /// <summary>
    /// Finds what the app's code proves. The try is counted first, so that a right code beyond the limit does not succeed.
    /// </summary>
    /// <exception cref="RateLimitedException">Too many codes were tried; answered 429.</exception>
    public async Task<SecondFactorProof?> FindAsync(long userId, string code, CancellationToken ct)
    {
        await CountAsync(userId, ct);
        var factor = await db.SecondFactors.AsNoTracking().SingleOrDefaultAsync(f => f.UserId == userId && f.ConfirmedAt != null, ct);
        if (factor is null || secrets.FindStep(factor.Secret, code) is not { } step || step <= factor.LastStep)
            return Failed(userId);
        await ForgetAsync(userId, ct);
        return new(userId, factor.Secret, step, RecoveryHash: null);
    }

    /// <summary>
    /// Finds what a recovery code proves. Nobody guesses 80 bits: the limit of the app's codes does not lock its owner out.
    /// </summary>
    public async Task<SecondFactorProof?> FindRecoveryAsync(long userId, string code, CancellationToken ct) =>
        RecoveryCodes.HashOf(userId, code) is { } hash
        && await db.RecoveryCodes.CountAsync(c => c.UserId == userId && c.CodeHash == hash, ct) == 1
            ? new(userId, Secret: null, Step: 0, hash) : Failed(userId);

    /// <summary>
    /// Uses a proof up, in the caller's transaction if there is one; the caller saves. False when another request did so first, or the
    /// factor is gone.
    /// </summary>
    public async Task<bool> TryUseAsync(SecondFactorProof proof, string? device, CancellationToken ct)
    {
        if (proof.RecoveryHash is not { } hash)
        {
            var stored = secrets.Sealed(proof.Secret!);
            return await db.SecondFactors.Where(f => f.UserId == proof.UserId && f.ConfirmedAt != null && f.Secret == proof.Secret
                    && (f.LastStep == null || f.LastStep < proof.Step))
                .ExecuteUpdateAsync(f => f.SetProperty(x => x.LastStep, proof.Step).SetProperty(x => x.Secret, stored), ct) == 1;
        }
        if (await db.RecoveryCodes.Where(c => c.UserId == proof.UserId && c.CodeHash == hash).ExecuteDeleteAsync(ct) == 0)
            return false;
        var email = await db.Users.Where(u => u.Id == proof.UserId).Select(u => u.Email).SingleOrDefaultAsync(ct);
        events.Add(proof.UserId, SecurityEventKind.RecoveryCodeUsed, device);
        mails.Add(MailKind.SecondFactorChanged, email, proof.UserId, MailChange.RecoveryCodeUsed);
        return true;
    }

    /// <summary>
    /// Whether a text is one of a user's codes, which it then uses up and saves, or the user has no second factor. What follows may fail or
    /// begin anew; the owner is told of a recovery code in any case.
    /// </summary>
    /// <inheritdoc cref="FindAsync" path="/exception" />
    public async Task<bool> PassesAsync(long userId, string text, CancellationToken ct)
    {
        if (await db.SecondFactors.CountAsync(f => f.UserId == userId && f.ConfirmedAt != null, ct) == 0)
            return true;
        var proof = TotpSecrets.IsCode(text) ? await FindAsync(userId, text, ct) : await FindRecoveryAsync(userId, text, ct);
        return proof is not null && await db.TransactAsync(
            async () =>
            {
                var isUsed = await TryUseAsync(proof, device: null, ct);
                await db.SaveChangesAsync(ct);
                return isUsed;
            },
            ct);
    }

    /// <summary>Counts a try of a user's codes.</summary>
    /// <inheritdoc cref="FindAsync" path="/exception" />
    public Task CountAsync(long userId, CancellationToken ct) => limits.TakeAsync(Limit.SecondFactorCodes, Whom(userId), ct);

    /// <summary>Forgets the tries before a right code.</summary>
    public Task ForgetAsync(long userId, CancellationToken ct) => limits.ForgetAsync(Limit.SecondFactorCodes, Whom(userId), ct);

    static string Whom(long userId) => FormattableString.Invariant($"user {userId}");

    SecondFactorProof? Failed(long userId)
    {
        events.AddLater(userId, SecurityEventKind.SecondFactorFailed);
        return null;
    }
}
