using System.Security.Cryptography;
using FastEndpoints.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Profiles.Data;
using Profiles.Infrastructure.Housekeeping;

namespace Profiles.Tests.Infrastructure.Housekeeping;

/// <summary>A service of its own: others' rows must not be swept away meanwhile.</summary>
public sealed class HousekeepingFixture : ProfilesFixture;

public sealed class HousekeepingTests(HousekeepingFixture app) : TestBase<HousekeepingFixture>
{
    [Fact]
    public async Task What_is_over_is_removed_and_the_rest_stays()
    {
        var user = await app.CreateUserAsync();
        var now = app.Clock.GetUtcNow().UtcDateTime;
        var moment = TimeSpan.FromMinutes(5);
        foreach (var (age, left) in new[] { (-moment, moment), (moment, -moment) })
        {
            await app.QueryAsync(async db =>
            {
                db.RateLimits.Add(new() { KeyHash = Random(), Count = 1, EndsAt = now + left });
                db.IdempotentAnswers.Add(new() { KeyHash = Random(), RequestHash = Random(), CreatedAt = now - IdempotentAnswer.Kept - age });
                db.SecurityEvents.Add(new() { UserId = user.Id, Kind = SecurityEventKind.PasswordChanged, At = now - SecurityEvent.Kept - age });
                db.OneTimeTokens.Add(new() { UserId = user.Id, Purpose = TokenPurpose.ResetPassword, TokenHash = Random(), NormalizedEmail = user.Email, ExpiresAt = now + left });
                var (waits, since) = ($"{Guid.NewGuid():N}@example.com", now - TimeSpan.FromDays(3) - age);
                db.WaitingRegistrations.Add(new() { NormalizedEmail = waits, Email = waits, Name = "", PasswordHash = "", CreatedAt = since });
                db.Sessions.Add(new() { UserId = user.Id, FamilyHash = Random(), TokenHash = Random(), CreatedAt = now.AddDays(-100), LastUsedAt = now - TimeSpan.FromDays(60) - age });
                return await db.SaveChangesAsync(Cancellation);
            });
        }

        await app.Services.GetRequiredService<HousekeepingService>().SweepAsync(Cancellation);
        await app.QueryAsync(async db =>
        {
            (await db.RateLimits.Where(l => l.EndsAt < now.AddMinutes(30)).SingleAsync(Cancellation)).EndsAt.ShouldBeGreaterThan(now);
            (await db.IdempotentAnswers.SingleAsync(Cancellation)).CreatedAt.ShouldBeGreaterThan(now - IdempotentAnswer.Kept);
            (await db.SecurityEvents.Where(e => e.Kind == SecurityEventKind.PasswordChanged).SingleAsync(Cancellation)).At.ShouldBeGreaterThan(now - SecurityEvent.Kept);
            (await db.OneTimeTokens.Where(t => t.Purpose == TokenPurpose.ResetPassword).SingleAsync(Cancellation)).ExpiresAt.ShouldBeGreaterThan(now);
            (await db.WaitingRegistrations.SingleAsync(Cancellation)).CreatedAt.ShouldBeGreaterThan(now.AddDays(-3));
            (await db.Sessions.Where(s => s.CreatedAt < now.AddDays(-99)).SingleAsync(Cancellation)).LastUsedAt.ShouldBeGreaterThan(now.AddDays(-60));
            return 0;
        });
    }

    static byte[] Random() => RandomNumberGenerator.GetBytes(Session.HashLength);
}
