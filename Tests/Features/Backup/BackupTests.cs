using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Profiles.Data;
using Profiles.Data.Tables;
using Profiles.Infrastructure.Backup;
using Profiles.Infrastructure.Tokens;

namespace Profiles.Tests.Features.Backup;

/// <summary>A service of its own with rows in every table, some of them deleted, and images.</summary>
public sealed class BackupFixture : ProfilesFixture
{
    static readonly Lock Gate = new();
    static Task? filled;

    /// <summary>Makes the name of an archive that does not exist.</summary>
    public static string NewArchive() => Path.Combine(TemporaryDirectory.Make("archive"), "profiles.tar");

    protected override async ValueTask SetupAsync()
    {
        lock (Gate)
            filled ??= FillAsync();
        await filled;
    }

    async Task FillAsync()
    {
        for (var i = 0; i < 4; i++)
        {
            var user = await CreateUserAsync("Zoë \"\\<😀>");
            using var client = ClientFor(user);
            if (i < 2)
                await client.UploadForUrlAsync(TestImage.Png(600 + i, 40, 200, (byte)(40 * i), 7), CancellationToken.None);
            await (await client.PutAsJsonAsync("/me", new { username = $"user_{i}", birth_date = "1990-02-28", is_public = true }))
                .ShouldBeAsync(HttpStatusCode.OK);
            if (i == 3)
            {
                using var deletion = new HttpRequestMessage(HttpMethod.Delete, "/me")
                {
                    Content = JsonContent.Create(new { password = user.Password }),
                };
                await (await client.SendAsync(deletion)).ShouldBeAsync(HttpStatusCode.OK);
            }
        }
        var now = Clock.GetUtcNow().UtcDateTime.AddDays(1);
        await QueryAsync(async db =>
        {
            var id = await db.Users.Select(u => u.Id).FirstAsync();
            db.AddRange(
                new AdminKey { Name = "team", Hash = [1, 2, 0, 255], Scopes = "users:read", CreatedAt = now },
                new AuditEntry { At = now, Actor = "command:root", Action = "user.disabled", UserId = id, Detail = "\\N\t\r\n\\." },
                new WebhookEndpoint { Name = "crm", Url = "https://example.com", Events = "", Secret = "whsec_x", CreatedAt = now },
                new OutboxEntry
                {
                    Store = OutboxStore.Webhook,
                    State = OutboxState.Dead,
                    UserId = id,
                    Key = "crm",
                    Payload = "{}",
                    CreatedAt = now,
                    DueAt = now.AddYears(10),
                },
                new IdempotentAnswer { KeyHash = [7], RequestHash = [8], UserId = id, Status = 200, Body = [0, 1, 255], CreatedAt = now },
                new OneTimeToken
                {
                    UserId = id,
                    Purpose = TokenPurpose.ResetPassword,
                    TokenHash = [9],
                    NormalizedEmail = "a@example.com",
                    ExpiresAt = now,
                },
                new WaitingRegistration
                {
                    NormalizedEmail = "b@example.com",
                    Email = "B@example.com",
                    Name = "B",
                    PasswordHash = "",
                    CreatedAt = now,
                },
                new MailCode
                {
                    Purpose = MailCodePurpose.Login,
                    RequestHash = [10],
                    NormalizedEmail = "c@example.com",
                    Nonce = [11],
                    ExpiresAt = now,
                },
                new Challenge { Hash = [12], Kind = ChallengeKind.SecondFactor, UserId = id, Data = "{}", ExpiresAt = now },
                new Identity { UserId = id, Provider = "google", Subject = "1", CreatedAt = now, RefreshToken = "r" },
                new Passkey
                {
                    UserId = id,
                    CredentialId = [13],
                    UserHandle = [14],
                    PublicKey = [15],
                    SignCount = uint.MaxValue,
                    Aaguid = new("08987058-cadc-4b81-b6e1-30de50dcbe96"),
                    Transports = "internal hybrid",
                    IsBackupEligible = true,
                    IsBackedUp = false,
                    Name = "A phone",
                    CreatedAt = now,
                },
                new SecondFactor { UserId = id, Secret = "secret", LastStep = 1 },
                new RecoveryCode { UserId = id, CodeHash = [16] },
                // A guest.
                new User { GuestSince = now, Profile = new() { Name = "" } });
            db.Add(new RateLimit { KeyHash = [3], Count = 4, EndsAt = now });
            return await db.SaveChangesAsync();
        });
        // The mails of the registrations are on their way.
        while (await QueryAsync(db => db.Outbox.CountAsync()) > 1)
            await Task.Delay(20);
    }
}

public sealed class BackupTests(BackupFixture app) : TestBase<BackupFixture>
{
    [Fact]
    public async Task An_archive_restores_every_row_image_and_key()
    {
        string archive;
        Dictionary<string, string> before, sums = await Installation.SumsAsync(app.Services, Cancellation);
        // The service may work on the outbox that other tests have left.
        do
        {
            archive = BackupFixture.NewArchive();
            before = sums;
            var (exitCode, said, error) = await app.RunAsync("backup", archive);
            (exitCode, error).ShouldBe((0, ""));
            var audited = await app.QueryAsync(
                db => db.AuditLog.Where(e => e.Action == "database.backed_up").OrderBy(e => e.Id).LastAsync(Cancellation));
            said.ShouldStartWith($"{audited.Detail}, ");
            said.ShouldEndWith(" bytes. The archive contains secrets.\n");
            sums = await Installation.SumsAsync(app.Services, Cancellation);
        }
        while (!sums.SequenceEqual(before));
        Directory.GetFiles(Path.GetDirectoryName(archive)!).ShouldBe([archive]);
        if (!OperatingSystem.IsWindows())
            File.GetUnixFileMode(archive).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);

        sums.Where(s => s.Value.StartsWith("0 ", StringComparison.Ordinal)).ShouldBeEmpty();
        // An archive is of no engine: the other restores it too.
        foreach (var other in new[] { new Installation(), new Installation(connection: null) })
        {
            var restored = await other.SucceedAsync("restore", archive);
            restored.ShouldStartWith("Restored ");
            (await other.AuditedAsync(Cancellation)).ShouldBe([$"database.restored: {restored["Restored ".Length..].TrimEnd('.', '\n')}"]);
            Without(await other.SumsAsync(Cancellation), "sessions").ShouldBe(Without(sums, "sessions"), ignoreOrder: true);
            RowsOf(await other.SumsAsync(Cancellation), "sessions").ShouldBe(RowsOf(sums, "sessions"));
            Installation.FilesOf(Path.Combine(other.Images, "profile"))
                .ShouldBe(Installation.FilesOf(app.ImageDirectory), ignoreOrder: true);
            (await other.SucceedAsync("check")).ShouldBe("2 images, 8 files and assets, 0 changes of images pending: no fault.\n");
        }
    }

    [Fact]
    public async Task Beside_a_service_that_writes_and_changes_images_every_archive_is_consistent()
    {
        var people = new List<(TestUser User, HttpClient Client)>();
        for (var i = 0; i < 6; i++)
        {
            var user = await app.CreateUserAsync();
            people.Add((user, app.ClientFor(user)));
        }
        using var stop = new CancellationTokenSource();
        var names = new ConcurrentDictionary<long, int>();
        var work = people.Select((p, i) => Task.Run(async () =>
        {
            var random = new Random(i);
            for (var round = 1; !stop.IsCancellationRequested; round++)
            {
                await p.Client.UploadForUrlAsync(TestImage.Png(30 + round % 50, 30 + i, (byte)random.Next(256), 1, 2), Cancellation);
                if (round % 5 == 0)
                    (await p.Client.DeleteAsync("/me/upload-image", Cancellation)).StatusCode.ShouldBe(HttpStatusCode.OK);
                await (await p.Client.PutAsJsonAsync("/me", new { name = $"{round}" }, Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
                names[p.User.Id] = round;
            }
        })).ToArray();
        for (var round = 0; round < 4; round++)
        {
            while (names.Count < people.Count || names.Values.Min() < 3 * (round + 1))
                await Task.WhenAny(Task.Delay(20, Cancellation), Task.WhenAny(work).Unwrap());
            var before = names.ToDictionary();
            var archive = BackupFixture.NewArchive();
            var (exitCode, said, error) = await app.RunAsync("backup", archive);
            (exitCode, error).ShouldBe((0, ""));
            said.ShouldNotContain("damaged");
            var other = new Installation();
            (await other.SucceedAsync("restore", archive)).ShouldStartWith("Restored ");
            (await other.SucceedAsync("check")).ShouldEndWith(": no fault.\n");
            foreach (var (user, name) in before)
                int.Parse((await NameAsync(other, user))!).ShouldBeGreaterThanOrEqualTo(name);
        }
        await stop.CancelAsync();
        await Task.WhenAll(work);
        foreach (var (_, client) in people)
        {
            await client.DeleteAsync("/me/upload-image", Cancellation);
            client.Dispose();
        }
    }

    [Fact, Trait("Database", "Sqlite")]
    public async Task Keys_that_change_meanwhile_are_in_it_as_they_were_counted()
    {
        var archive = BackupFixture.NewArchive();
        await app.RunAsync("backup", archive);
        var other = new Installation();
        await other.SucceedAsync("restore", archive);
        var ring = Table.All.Single(t => t.Name == Table.RingTable);
        await other.UseAsync(async services =>
        {
            await using var database = new WholeDatabase(
                await services.GetRequiredService<DatabaseEngine>().ReadTablesAsync(alone: false, Cancellation),
                ActivatorUtilities.CreateInstance<KeyFiles>(services));
            var counted = await database.CountAsync(ring, Cancellation);
            counted.ShouldBePositive();
            await File.WriteAllTextAsync(Path.Combine(other.Data, "signing-keys.json"), "[]", Cancellation);
            (await database.ReadAsync(ring, Cancellation).LongCountAsync(Cancellation)).ShouldBe(counted);
            return true;
        });
    }

    [Fact]
    public async Task It_never_replaces_a_file_and_leaves_nothing_when_it_fails()
    {
        var archive = BackupFixture.NewArchive();
        await File.WriteAllTextAsync(archive, "mine", Cancellation);
        var (exitCode, _, error) = await app.RunAsync("backup", archive);
        (exitCode, error).ShouldBe((1, $"{archive} exists: a backup never replaces one.\n"));
        (await File.ReadAllTextAsync(archive, Cancellation)).ShouldBe("mine");
        (exitCode, _, error) = await app.RunAsync("backup", Path.Combine(Path.GetDirectoryName(archive)!, "none", "a.tar"));
        exitCode.ShouldBe(1);
        error.ShouldStartWith("A file cannot be used: ");
    }

    static Task<string?> NameAsync(Installation installation, long user) => installation.UseAsync(services =>
        services.GetRequiredService<ProfilesDbContext>().UserProfiles
            .Where(p => p.UserId == user).Select(p => p.Name).SingleOrDefaultAsync());

    static IEnumerable<KeyValuePair<string, string>> Without(Dictionary<string, string> sums, string table) =>
        sums.Where(s => s.Key != table);

    // The number that comes next is higher.
    static string RowsOf(Dictionary<string, string> sums, string table) => sums[table][..sums[table].LastIndexOf(' ')];
}
