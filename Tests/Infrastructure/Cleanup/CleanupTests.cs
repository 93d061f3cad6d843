using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Profiles.Data;
using Profiles.Infrastructure.Cleanup;

namespace Profiles.Tests.Infrastructure.Cleanup;

/// <summary>Its own service, because the cleanup would delete other test classes' rows.</summary>
public sealed class CleanupFixture : ProfilesFixture;

public sealed class CleanupTests(CleanupFixture app) : TestBase<CleanupFixture>
{
    [Fact]
    public async Task Expired_rows_are_deleted_and_the_others_stay()
    {
        var user = await app.CreateUserAsync();
        var now = app.Clock.GetUtcNow().UtcDateTime;
        var moment = TimeSpan.FromMinutes(5);
        foreach (var (age, left) in new[] { (-moment, moment), (moment, -moment) })
        {
            await app.QueryAsync(async db =>
            {
                db.RateLimits.Add(new() { KeyHash = Random(), Count = 1, EndsAt = now + left });
                db.IdempotentAnswers.Add(
                    new() { KeyHash = Random(), RequestHash = Random(), CreatedAt = now - IdempotentAnswer.Retention - age });
                db.SecurityEvents.Add(new()
                {
                    UserId = user.Id,
                    Kind = SecurityEventKind.PasswordChanged,
                    At = now - SecurityEvent.Retention - age
                });
                db.OneTimeTokens.Add(new()
                {
                    UserId = user.Id,
                    Purpose = TokenPurpose.ResetPassword,
                    TokenHash = Random(),
                    NormalizedEmail = user.Email,
                    ExpiresAt = now + left
                });
                var (waits, since) = ($"{Guid.NewGuid():N}@example.com", now - TimeSpan.FromDays(3) - age);
                db.WaitingRegistrations.Add(
                    new() { NormalizedEmail = waits, Email = waits, Name = "", PasswordHash = "", CreatedAt = since });
                db.Sessions.Add(new()
                {
                    UserId = user.Id,
                    FamilyHash = Random(),
                    TokenHash = Random(),
                    CreatedAt = now.AddDays(-100),
                    LastUsedAt = now - TimeSpan.FromDays(60) - age
                });
                return await db.SaveChangesAsync(Cancellation);
            });
        }

        (await Cleaner.SweepAsync(TimeSpan.FromMinutes(1), Cancellation)).ShouldBeFalse();
        await app.QueryAsync(async db =>
        {
            (await db.RateLimits.Where(l => l.EndsAt < now.AddMinutes(30)).SingleAsync(Cancellation)).EndsAt.ShouldBeGreaterThan(now);
            (await db.IdempotentAnswers.SingleAsync(Cancellation)).CreatedAt.ShouldBeGreaterThan(now - IdempotentAnswer.Retention);
            (await db.SecurityEvents.Where(e => e.Kind == SecurityEventKind.PasswordChanged).SingleAsync(Cancellation))
                .At.ShouldBeGreaterThan(now - SecurityEvent.Retention);
            (await db.OneTimeTokens.Where(t => t.Purpose == TokenPurpose.ResetPassword).SingleAsync(Cancellation))
                .ExpiresAt.ShouldBeGreaterThan(now);
            (await db.WaitingRegistrations.SingleAsync(Cancellation)).CreatedAt.ShouldBeGreaterThan(now.AddDays(-3));
            (await db.Sessions.Where(s => s.CreatedAt < now.AddDays(-99)).SingleAsync(Cancellation))
                .LastUsedAt.ShouldBeGreaterThan(now.AddDays(-60));
            return 0;
        });
    }

    [Fact]
    public async Task A_backlog_shrinks_in_batches_between_which_others_write()
    {
        const int Backlog = 20_000, Batch = CleanupService.Batch;
        using var client = app.ClientFor(await app.CreateUserAsync());
        await FillAsync(Backlog);
        // Without any time the cleanup deletes one batch and returns that more is left.
        (await Cleaner.SweepAsync(TimeSpan.Zero, Cancellation)).ShouldBeTrue();
        (await ExpiredAsync()).ShouldBe(Backlog - Batch);

        var commands = app.Services.GetRequiredService<CommandLog>();
        var before = Deletes().Length;
        var sweep = Cleaner.SweepAsync(TimeSpan.FromMinutes(1), Cancellation);
        await LinuxProcess.UntilAsync(() => Deletes().Length > before, () => "The cleanup does not begin.");
        await (await client.PutAsJsonAsync("/me", new { name = "Another" }, Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        // The write succeeds while the cleanup is in progress.
        sweep.IsCompleted.ShouldBeFalse();
        (await sweep).ShouldBeFalse();
        (await ExpiredAsync()).ShouldBe(0);
        (Deletes().Length - before).ShouldBeGreaterThanOrEqualTo((Backlog / Batch) - 1);

        string[] Deletes() =>
            [.. commands.Of(null).Select(c => c.Text)
                .Where(t => t.StartsWith("DELETE FROM") && t.Contains("rate_limits") && t.Contains("LIMIT"))];
    }

    [Fact]
    public async Task A_kind_that_cannot_be_deleted_does_not_stop_the_others()
    {
        var user = await app.CreateUserAsync();
        await FillAsync(10);
        await app.QueryAsync(db => db.Database.ExecuteSqlRawAsync("ALTER TABLE rate_limits RENAME TO away"));
        try
        {
            await app.QueryAsync(async db =>
            {
                db.SecurityEvents.Add(new()
                {
                    UserId = user.Id,
                    Kind = SecurityEventKind.PasswordChanged,
                    At = app.Clock.GetUtcNow().UtcDateTime - SecurityEvent.Retention - TimeSpan.FromDays(9)
                });
                return await db.SaveChangesAsync(Cancellation);
            });
            await Cleaner.SweepAsync(TimeSpan.FromMinutes(1), Cancellation);
            var old = app.Clock.GetUtcNow().UtcDateTime - SecurityEvent.Retention;
            (await app.QueryAsync(db => db.SecurityEvents.CountAsync(e => e.At < old))).ShouldBe(0);
        }
        finally
        {
            await app.QueryAsync(db => db.Database.ExecuteSqlRawAsync("ALTER TABLE away RENAME TO rate_limits"));
        }
        await Cleaner.SweepAsync(TimeSpan.FromMinutes(1), Cancellation);
        (await ExpiredAsync()).ShouldBe(0);
    }

    CleanupService Cleaner => app.Services.GetRequiredService<CleanupService>();

    Task<int> FillAsync(int count) => app.QueryAsync(db => db.Database.ExecuteSqlRawAsync(TestDatabase.IsPostgreSql
        ? $"""
            INSERT INTO rate_limits (key_hash, count, ends_at)
            SELECT sha256(('expired' || n)::text::bytea), 1, TIMESTAMPTZ '2020-01-01Z' FROM generate_series(1, {count}) AS s(n)
            """
        : $"""
            WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {count})
            INSERT INTO rate_limits (key_hash, count, ends_at) SELECT randomblob(32), 1, '2020-01-01 00:00:00' FROM s
            """));

    Task<int> ExpiredAsync() =>
        app.QueryAsync(db => db.RateLimits.CountAsync(l => l.EndsAt < new DateTime(2021, 1, 1, 0, 0, 0, DateTimeKind.Utc)));

    static byte[] Random() => RandomNumberGenerator.GetBytes(Session.HashLength);
}
