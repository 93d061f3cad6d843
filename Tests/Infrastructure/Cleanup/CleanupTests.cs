using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Profiles.Data;
using Profiles.Infrastructure.Accounts;
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
    public async Task Guests_that_nobody_uses_are_deleted_whole_and_those_in_use_or_with_a_way_in_stay()
    {
        var now = app.Clock.GetUtcNow().UtcDateTime;
        var gone = await OldGuestAsync();
        using var client = app.ClientFor(gone);
        await client.UploadForUrlAsync(TestImage.Png(16, 16, 255, 0, 0), Cancellation);
        var image = Path.Combine(app.ImageDirectory, $"{gone.Id}.jpg");
        File.Exists(image).ShouldBeTrue();
        var loggedOut = await OldGuestAsync((db, id) => db.Sessions.Where(s => s.UserId == id).ExecuteDeleteAsync());
        var lost = await OldGuestAsync((db, id) => db.Users.Where(u => u.Id == id).ExecuteUpdateAsync(
            u => u.SetProperty(x => x.GuestSince, now.AddDays(-89))));
        TestUser[] kept =
        [
            lost,
            await app.CreateGuestAsync(),
            await OldGuestAsync((db, id) => db.Sessions.Where(s => s.UserId == id).ExecuteUpdateAsync(
                s => s.SetProperty(x => x.LastUsedAt, now.AddDays(-59)))),
            await OldGuestAsync((db, id) => db.Users.Where(u => u.Id == id).ExecuteUpdateAsync(
                u => u.SetProperty(x => x.GuestSince, (DateTime?)null))),
            await OldGuestAsync((db, id) => db.Users.Where(u => u.Id == id).ExecuteUpdateAsync(
                u => u.SetProperty(x => x.NormalizedEmail, $"guest{id}@example.com"))),
            await OldGuestAsync((db, id) => db.Users.Where(u => u.Id == id).ExecuteUpdateAsync(
                u => u.SetProperty(x => x.DisabledAt, now))),
            await OldGuestAsync((db, id) =>
            {
                db.Passkeys.Add(new()
                {
                    UserId = id,
                    CredentialId = BitConverter.GetBytes(id),
                    UserHandle = [1],
                    PublicKey = [2],
                    SignCount = 0,
                    Aaguid = Guid.Empty,
                    Transports = "internal",
                    IsBackupEligible = true,
                    IsBackedUp = true,
                    Name = "A phone",
                    CreatedAt = now,
                });
                return db.SaveChangesAsync();
            }),
            await OldGuestAsync((db, id) =>
            {
                db.Identities.Add(new() { UserId = id, Provider = "google", Subject = $"{id}", CreatedAt = now, LastUsedAt = now });
                return db.SaveChangesAsync();
            }),
        ];
        (await Cleaner.SweepAsync(TimeSpan.FromMinutes(1), Cancellation)).ShouldBeFalse();
        long[] ids = [gone.Id, loggedOut.Id, .. kept.Select(u => u.Id)];
        (await app.QueryAsync(db => db.Users.Where(u => ids.Contains(u.Id)).OrderBy(u => u.Id).Select(u => u.Id).ToListAsync()))
            .ShouldBe(kept.Select(u => u.Id).Order());
        File.Exists(image).ShouldBeFalse();
        (await app.QueryAsync(db => db.Sessions.CountAsync(s => s.UserId == lost.Id))).ShouldBe(0, "They expire after sixty days.");
        await (await client.GetAsync("/me", Cancellation)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task A_guest_that_becomes_a_full_account_while_it_is_cleaned_up_is_either()
    {
        var guests = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => OldGuestAsync()));
        using var scope = app.Services.CreateScope();
        var cleanup = scope.ServiceProvider.GetRequiredService<GuestCleanup>().CleanAsync(
            scope.ServiceProvider.GetRequiredService<ProfilesDbContext>(), app.Clock.GetUtcNow().UtcDateTime, Cancellation);
        var statuses = await Task.WhenAll(guests.Reverse().Select(async guest =>
        {
            using var client = app.ClientFor(guest);
            var body = new { email = $"{guest.Id}@guests.example", password = "correct horse battery staple", from_guest = true };
            return (guest.Id, (await client.PostAsJsonAsync("/register", body, Cancellation)).StatusCode);
        }));
        await cleanup;
        foreach (var (id, status) in statuses)
        {
            var stored = await app.QueryAsync(db => db.FindUserAsync(id, Cancellation));
            (stored?.Email, stored?.GuestSince).ShouldBe((status == HttpStatusCode.Created ? $"{id}@guests.example" : null, null));
            new[] { HttpStatusCode.Created, HttpStatusCode.Unauthorized }.ShouldContain(status);
        }
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

    // Begun a hundred days ago, and used five days later for the last time.
    async Task<TestUser> OldGuestAsync(Func<ProfilesDbContext, long, Task<int>>? change = null)
    {
        var (guest, began) = (await app.CreateGuestAsync(), app.Clock.GetUtcNow().UtcDateTime.AddDays(-100));
        await app.QueryAsync(async db =>
        {
            await db.Users.Where(u => u.Id == guest.Id).ExecuteUpdateAsync(u => u.SetProperty(x => x.GuestSince, began));
            await db.Sessions.Where(s => s.UserId == guest.Id).ExecuteUpdateAsync(s => s.SetProperty(x => x.LastUsedAt, began.AddDays(5)));
            return change is null ? 0 : await change(db, guest.Id);
        });
        return guest;
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
