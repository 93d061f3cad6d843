using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Hosting;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Profiles.Data;
using Profiles.Infrastructure.Cleanup;
using Profiles.Infrastructure.Images;
using Profiles.Infrastructure.Outbox;
using Profiles.Infrastructure.Webhooks;
using Profiles.Tests.Features.LoginWithCode;

namespace Profiles.Tests.Infrastructure.Webhooks;

/// <summary>A service with two endpoints of the settings: one gets all events, the other only deletions.</summary>
public sealed class WebhooksFixture : ProfilesFixture
{
    public const string Secret = "whsec_QSBzZWNyZXQgdGhhdCBvbmx5IHRlc3RzIGtub3chIQ==";

    internal WebhookReceiver Receiver { get; private set; } = null!;

    protected override async ValueTask PreSetupAsync() => Receiver = await WebhookReceiver.StartAsync();

    protected override ValueTask TearDownAsync() => Receiver.DisposeAsync();

    protected override void ConfigureApp(IWebHostBuilder a)
    {
        base.ConfigureApp(a);
        a.UseSetting(
            "Webhooks:Endpoints", $"all {Receiver.Address}/all {Secret}; deletions {Receiver.Address}/deletions {Secret} user.deleted");
        a.UseSetting("Webhooks:AllowPrivateNetworks", "true");
        a.UseSetting("Webhooks:Timeout", "00:00:01");
        a.UseSetting("Jwt:KeyEncryptionKey", "a key that encrypts secrets in tests only");
    }
}

/// <summary>Events reach the operator's endpoints exactly when their changes are made, signed, until they are accepted or dead.</summary>
public sealed class WebhookTests(WebhooksFixture app) : TestBase<WebhooksFixture>
{
    const string Path = "/made";

    protected override async ValueTask TearDownAsync()
    {
        app.Clock.Reset();
        app.Receiver.On.Clear();
        await app.RunAsync("webhooks", "remove", "made");
        await app.Services.GetRequiredService<WebhookEndpoints>().LoadAsync(CancellationToken.None);
    }

    [Fact]
    public async Task An_account_that_a_code_makes_or_takes_over_is_told_like_any_other()
    {
        var code = await app.CodeAsync(LoginCodes.Fresh());
        await ShouldBeOkAsync(app.UseAsync(code));
        var id = await app.QueryAsync(db => db.Users.Where(u => u.NormalizedEmail == code.Email).Select(u => u.Id).SingleAsync());
        await NextAsync(new(id, "", code.Email, "", ""), "user.created");

        var thief = await app.CreateUserAsync();
        await ShouldBeOkAsync(app.UseAsync(await app.CodeAsync(thief.Email)));
        Members(await NextAsync(thief, "user.updated")).ShouldBe(["email_verified", "password"]);
        SessionEnd(await NextAsync(thief, "session.ended")).ShouldBe((thief.SessionId, "ended"));
    }

    [Fact]
    public async Task Each_event_reaches_the_endpoints_that_want_it()
    {
        var user = await app.CreateUserAsync();
        (await NextAsync(user, "user.created")).Data.EnumerateObject().Count().ShouldBe(1);
        var client = app.ClientFor(user);
        await ShouldBeOkAsync(client.PutAsJsonAsync("/me", new { name = "Jane", username = $"u{Guid.NewGuid():N}"[..20] }, Cancellation));
        Members(await NextAsync(user, "user.updated")).ShouldBe(["name", "username"]);

        await client.UploadForUrlAsync(TestImage.Png(16, 16, 255, 0, 0), Cancellation);
        (await NextAsync(user, "image.changed")).Data.GetProperty("has_image").GetBoolean().ShouldBeTrue();
        await client.UploadForUrlAsync(TestImage.Png(16, 16, 0, 255, 0), Cancellation);
        (await NextAsync(user, "image.changed", 2)).Data.GetProperty("has_image").GetBoolean().ShouldBeTrue();

        var token = (await app.MailAsync(user.Email, (await FirstMailAsync(user)).Subject)).Token;
        await ShouldBeOkAsync(app.Client.PostAsJsonAsync("/email/verify", new { token }, Cancellation));
        Members(await NextAsync(user, "user.updated", 2)).ShouldBe(["email_verified"]);

        var other = await app.LogInAsync(user, "Another phone");
        await ShouldBeOkAsync(client.PutAsJsonAsync(
            "/me/password", new { current_password = user.Password, new_password = "another horse battery staple" }, Cancellation));
        Members(await NextAsync(user, "user.updated", 3)).ShouldBe(["password"]);
        SessionEnd(await NextAsync(user, "session.ended")).ShouldBe((other.SessionId, "ended"));
        user = user with { Password = "another horse battery staple" };

        var third = await app.LogInAsync(user);
        await ShouldBeOkAsync(app.ClientFor(third).PostAsync("/logout", null, Cancellation));
        SessionEnd(await NextAsync(user, "session.ended", 2)).ShouldBe((third.SessionId, "logged_out"));

        var stolen = await app.LogInAsync(user);
        var next = await (await RefreshAsync(stolen.RefreshToken)).ShouldBeAsync(HttpStatusCode.OK);
        await ShouldBeOkAsync(RefreshAsync(next.GetProperty("refresh_token").GetString()!));
        (await RefreshAsync(stolen.RefreshToken)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        (await NextAsync(user, "security.token_reused")).Data.GetProperty("session_id").GetInt64().ShouldBe(stolen.SessionId);
        SessionEnd(await NextAsync(user, "session.ended", 3)).ShouldBe((stolen.SessionId, "token_reused"));

        var address = $"{Guid.NewGuid():N}@example.com";
        await ShouldBeOkAsync(client.PutAsJsonAsync("/me", new { email = address, current_password = user.Password }, Cancellation));
        Members(await NextAsync(user, "user.updated", 4)).ShouldBe(["email", "email_verified"]);

        await ShouldBeOkAsync(client.DeleteAsync("/me/upload-image", Cancellation));
        (await NextAsync(user, "image.changed", 3)).Data.GetProperty("has_image").GetBoolean().ShouldBeFalse();
        await DeleteAsync(user);
        var deleted = await NextAsync(user, "user.deleted");
        (await NextAsync(user, "user.deleted", path: "/deletions")).Id.ShouldBe(deleted.Id);
        var all = app.Receiver.Deliveries.Where(d => d.UserId == user.Id).ToArray();
        all.Where(d => d.Path == "/deletions").ShouldHaveSingleItem();
        all.Where(d => d.Path == "/all").GroupBy(d => d.Type).ToDictionary(g => g.Key, g => g.Count()).ShouldBe(
            new Dictionary<string, int>
            {
                ["user.created"] = 1,
                ["user.updated"] = 4,
                ["image.changed"] = 3,
                ["session.ended"] = 3,
                ["security.token_reused"] = 1,
                ["user.deleted"] = 1,
            },
            ignoreOrder: true);
        string[] personal = [user.Email, address, "Jane", "John", "phone"];
        all.ShouldAllBe(d => !personal.Any(p => d.Body.Contains(p, StringComparison.OrdinalIgnoreCase)));
    }

    [Fact]
    public async Task A_guest_is_created_and_changed_like_any_user()
    {
        var guest = await app.CreateGuestAsync();
        await NextAsync(guest, "user.created");
        using var client = app.ClientFor(guest);
        var body = new { email = $"{Guid.NewGuid():N}@example.com", password = "correct horse battery staple", from_guest = true };
        await (await client.PostAsJsonAsync("/register", body, Cancellation)).ShouldBeAsync(HttpStatusCode.Created);
        Members(await NextAsync(guest, "user.updated")).ShouldBe(["email", "is_guest", "password"]);
        app.Receiver.Deliveries.Count(d => d.UserId == guest.Id && d.Type == "user.created").ShouldBe(1);
    }

    [Fact]
    public async Task A_change_that_fails_or_changes_nothing_has_no_event()
    {
        var (user, other) = (await app.CreateUserAsync(), await app.CreateUserAsync());
        var (client, username) = (app.ClientFor(user), $"u{Guid.NewGuid():N}"[..20]);
        await ShouldBeOkAsync(app.ClientFor(other).PutAsJsonAsync("/me", new { username }, Cancellation));
        await NextAsync(other, "user.updated");
        await NextAsync(user, "user.created");
        (await app.Client.PostAsJsonAsync("/register", new { name = "John", email = user.Email, password = user.Password }, Cancellation))
            .StatusCode.ShouldBe(HttpStatusCode.Conflict);
        (await client.PutAsJsonAsync("/me", new { username }, Cancellation)).StatusCode.ShouldBe(HttpStatusCode.Conflict);
        (await client.PutAsJsonAsync("/me", new { email = other.Email, current_password = user.Password }, Cancellation))
            .StatusCode.ShouldBe(HttpStatusCode.Conflict);
        (await client.DeleteAsync("/me/upload-image", Cancellation)).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        await ShouldBeOkAsync(client.PutAsJsonAsync("/me", new { name = user.Name }, Cancellation));
        // Delivered after all that came before.
        await ShouldBeOkAsync(client.PutAsJsonAsync("/me", new { bio = "Last" }, Cancellation));
        Members(await NextAsync(user, "user.updated")).ShouldBe(["bio"]);
        // The entry of the last one is deleted a moment after it is received.
        while (await app.QueryAsync(db => db.Outbox.AnyAsync(e => e.UserId == user.Id && e.Store == OutboxStore.Webhook)))
            await Task.Delay(20, Cancellation);
        app.Receiver.Deliveries.Count(d => d.UserId == user.Id).ShouldBe(2);
    }

    [Fact]
    public async Task An_event_does_not_wait_for_the_next_poll()
    {
        var user = await app.CreateUserAsync();
        var since = Stopwatch.StartNew();
        for (var change = 1; change <= 5; change++)
        {
            await ShouldBeOkAsync(app.ClientFor(user).PutAsJsonAsync("/me", new { bio = $"{change}" }, Cancellation));
            await NextAsync(user, "user.updated", change);
        }
        // Five polls take ten seconds.
        since.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(5));
    }

    [Fact]
    [Trait("Needs", "Process")]
    public async Task The_reference_library_of_npm_verifies_messages_also_while_a_secret_is_rotated()
    {
        var npm = await NpmProject.InstallAsync("webhook-verifier", "Verifier");
        var first = await MakeAsync("user.created");
        var user = await app.CreateUserAsync();
        var before = await NextAsync(user, "user.created", path: Path);
        before.Signature.Split(' ').Length.ShouldBe(1);
        var second = (await SucceedAsync("webhooks", "rotate", "made")).Trim();
        await ReloadAsync();
        var after = await NextAsync(await app.CreateUserAsync(), "user.created", path: Path);
        after.Signature.Split(' ').Length.ShouldBe(2);
        // A day later only the new one signs.
        await app.QueryAsync(db => db.WebhookEndpoints.Where(e => e.Name == "made")
            .ExecuteUpdateAsync(e => e.SetProperty(x => x.PreviousSecretUntil, x => x.CreatedAt), Cancellation));
        await ReloadAsync();
        var later = await NextAsync(await app.CreateUserAsync(), "user.created", path: Path);
        later.Signature.Split(' ').Length.ShouldBe(1);

        var messages = new[]
        {
            (WebhooksFixture.Secret, await NextAsync(user, "user.created")),
            (first, before), (first, after), (second, after), (second, later),
        };
        var file = System.IO.Path.Combine(npm.Directory, "messages.json");
        await File.WriteAllTextAsync(file, JsonSerializer.Serialize(messages.Select(m => new
        {
            secret = m.Item1,
            headers = new Dictionary<string, string>
            {
                ["webhook-id"] = m.Item2.Id,
                ["webhook-timestamp"] = m.Item2.Timestamp,
                ["webhook-signature"] = m.Item2.Signature,
            },
            body = m.Item2.Body,
        })), Cancellation);
        (await npm.RunAsync("node", "verify.mjs", file)).Trim().ShouldBe("5 verified");
        // Neither is in the database in plain text.
        var row = await app.QueryAsync(db => db.WebhookEndpoints.AsNoTracking().SingleAsync(e => e.Name == "made", Cancellation));
        new[] { row.Secret, row.PreviousSecret! }.ShouldAllBe(s => s.StartsWith("aes256gcm:"));
    }

    [Fact]
    public async Task A_message_that_nobody_accepts_is_retried_for_three_days_then_dead_and_can_be_resent()
    {
        await MakeAsync("user.created");
        app.Receiver.On[Path] = WebhookReceiver.Status(500);
        var user = await app.CreateUserAsync();
        var waited = TimeSpan.Zero;
        for (var attempt = 1; attempt <= WebhookHandler.Retries.Count; attempt++)
        {
            var entry = await EntryAsync(user, e => e.Attempts == attempt && e.Failure != null);
            entry.State.ShouldBe(OutboxState.Settling);
            entry.Failure.ShouldBe("HTTP 500");
            // The grace is the timeout of a second and five more.
            var wait = TimeSpan.FromSeconds(Math.Max(6, WebhookHandler.Retries[attempt - 1].TotalSeconds));
            (entry.DueAt - app.Clock.GetUtcNow().UtcDateTime).ShouldBeInRange(wait - TimeSpan.FromSeconds(5), wait * 1.1);
            waited += wait;
            if (attempt == 1)
                await IsListedAsync("pending", entry);
            await DueAsync(user);
        }
        waited.ShouldBeInRange(TimeSpan.FromDays(3), TimeSpan.FromDays(3.5));
        var dead = await EntryAsync(user, e => e.State == OutboxState.Dead);
        dead.Attempts.ShouldBe(WebhookHandler.Retries.Count + 1);
        app.Receiver.Deliveries.Where(d => d.Path == Path && d.UserId == user.Id).ShouldAllBe(d => d.Id == IdOf(dead));

        using var list = JsonDocument.Parse(await SucceedAsync("webhooks", "list", "--json"));
        var made = list.RootElement.GetProperty("endpoints").EnumerateArray().Single(e => e.GetProperty("name").GetString() == "made");
        (made.GetProperty("pending").GetInt32(), made.GetProperty("dead").GetInt32(), made.GetProperty("last_failure").GetString())
            .ShouldBe((0, 1, "HTTP 500"));
        await IsListedAsync("dead", dead);
        (await SucceedAsync("webhooks", "list")).ShouldContain("0 pending, 1 dead; last failure: HTTP 500");
        // Readiness counts what will be done without the operator.
        await app.SentAsync();
        var ready = await (await app.Client.GetAsync("/health/ready", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        ready.GetProperty("pending").GetInt32()
            .ShouldBe(await app.QueryAsync(db => db.Outbox.CountAsync(e => e.State != OutboxState.Dead, Cancellation)));

        app.Receiver.On.Clear();
        await SucceedAsync("webhooks", "resend", $"{dead.Id}");
        await GoneAsync(user);
        app.Receiver.Deliveries.Count(d => d.Path == Path && d.UserId == user.Id).ShouldBe(WebhookHandler.Retries.Count + 2);
        (await app.QueryAsync(db => db.AuditLog.AnyAsync(a => a.Action == "webhook.resent" && a.Detail == $"{dead.Id}"))).ShouldBeTrue();
    }

    [Theory]
    [InlineData("redirect", "HTTP 302")]
    [InlineData("hang", "No answer in time")]
    [InlineData("abort", "No valid answer")]
    [InlineData("refuse", "No connection")]
    public async Task An_answer_that_accepts_nothing_is_a_failure(string kind, string failure)
    {
        await MakeAsync("user.created", kind == "refuse" ? $"http://127.0.0.1:{FreePort.Take()}/" : null);
        app.Receiver.On[Path] = kind switch
        {
            "redirect" => (call, _) =>
            {
                call.Response.Redirect($"{app.Receiver.Address}/elsewhere");
                return Task.CompletedTask;
            }
            ,
            "hang" => WebhookReceiver.HangAsync,
            _ => (call, _) =>
            {
                call.Abort();
                return Task.CompletedTask;
            }
            ,
        };
        var user = await app.CreateUserAsync();
        (await EntryAsync(user, e => e.Failure != null)).Failure.ShouldBe(failure);
        app.Receiver.Deliveries.ShouldNotContain(d => d.Path == "/elsewhere");
    }

    [Fact]
    public async Task An_endpoint_that_is_gone_gets_no_retries_and_all_dead_ones_can_be_resent()
    {
        await MakeAsync("user.created");
        app.Receiver.On[Path] = WebhookReceiver.Status(410);
        var users = new[] { await app.CreateUserAsync(), await app.CreateUserAsync() };
        foreach (var user in users)
            (await EntryAsync(user, e => e.State == OutboxState.Dead)).Attempts.ShouldBe(1);
        app.Receiver.On.Clear();
        (await SucceedAsync("webhooks", "resend", "--all-dead", "--endpoint", "deletions")).ShouldStartWith("0 ");
        (await SucceedAsync("webhooks", "resend", "--all-dead", "--endpoint", "made")).ShouldStartWith("2 ");
        foreach (var user in users)
            await GoneAsync(user);
    }

    [Fact]
    public async Task An_endpoint_that_hangs_delays_no_other()
    {
        await MakeAsync("user.created", $"{app.Receiver.Address}/hangs");
        app.Receiver.On["/hangs"] = WebhookReceiver.HangAsync;
        List<TestUser> users = [];
        // More than it may have at a time and in a batch.
        for (var i = 0; i < 25; i++)
            users.Add(await app.CreateUserAsync());
        var since = Stopwatch.StartNew();
        var last = await app.CreateUserAsync();
        await NextAsync(last, "user.created");
        since.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(2));
        (await EntriesAsync(users[^1])).ShouldHaveSingleItem();
    }

    [Fact]
    public async Task An_endpoint_that_only_times_out_gets_nothing_for_five_minutes()
    {
        await MakeAsync("user.created", $"{app.Receiver.Address}/silent");
        app.Receiver.On["/silent"] = WebhookReceiver.HangAsync;
        for (var i = 0; i < 10; i++)
            await AddAsync("made", $"msg_silent{i}");
        var sender = app.Services.GetRequiredService<WebhookSender>();
        var made = app.Services.GetRequiredService<WebhookEndpoints>().Find("made")!;
        await UntilAsync(() => Task.FromResult(sender.IsPaused(made)));
        app.Receiver.On.Clear();
        await AddAsync("made", "msg_later");
        // More than the interval of the polls.
        await Task.Delay(TimeSpan.FromSeconds(5), Cancellation);
        app.Receiver.Deliveries.ShouldNotContain(d => d.Id == "msg_later");
        app.Clock.Advance(TimeSpan.FromMinutes(5));
        await UntilAsync(() => Task.FromResult(app.Receiver.Deliveries.Any(d => d.Id == "msg_later")));
    }

    [Fact]
    public async Task A_message_whose_turn_does_not_come_for_three_days_is_dead()
    {
        var now = app.Clock.GetUtcNow().UtcDateTime;
        // No loop takes what is of an unknown endpoint.
        await AddAsync("crowded", "msg_old", now - TimeSpan.FromDays(3.1));
        await AddAsync("crowded", "msg_young", now - TimeSpan.FromDays(2.9));
        await app.Services.GetRequiredService<CleanupService>().SweepAsync(TimeSpan.Zero, Cancellation);
        var left = await app.QueryAsync(
            db => db.Outbox.AsNoTracking().Where(e => e.Key == "crowded").OrderBy(e => e.Id).ToListAsync(Cancellation));
        await app.QueryAsync(db => db.Outbox.Where(e => e.Key == "crowded").ExecuteDeleteAsync(Cancellation));
        left.Select(e => (e.State, e.Failure)).ShouldBe([(OutboxState.Dead, "Its turn did not come"), (OutboxState.Settling, null)]);
        left[0].DueAt.ShouldBeGreaterThan(now + TimeSpan.FromDays(29));
    }

    [Fact]
    public async Task An_endpoint_gets_nothing_of_a_removed_one_with_its_name()
    {
        await AddAsync("made", "msg_stale");
        await MakeAsync("user.created");
        await NextAsync(await app.CreateUserAsync(), "user.created", path: Path);
        app.Receiver.Deliveries.ShouldNotContain(d => d.Id == "msg_stale");
        (await app.QueryAsync(db => db.Outbox.AnyAsync(e => e.Payload!.StartsWith("msg_stale"), Cancellation))).ShouldBeFalse();
        // What was read just before its endpoint was removed was not delivered.
        await AddAsync("crowded", "msg_orphan");
        using var scope = app.Services.CreateScope();
        var orphan = await app.QueryAsync(db => db.Outbox.AsNoTracking().SingleAsync(e => e.Key == "crowded", Cancellation));
        await Should.ThrowAsync<Exception>(
            () => scope.ServiceProvider.GetRequiredService<WebhookHandler>().HandleAsync(orphan, Cancellation));
        await app.QueryAsync(db => db.Outbox.Where(e => e.Key == "crowded").ExecuteDeleteAsync(Cancellation));
    }

    [Fact]
    public async Task A_secret_from_before_there_was_a_key_is_encrypted_when_it_is_rotated()
    {
        await MakeAsync("user.created");
        await app.QueryAsync(db => db.WebhookEndpoints.Where(e => e.Name == "made")
            .ExecuteUpdateAsync(e => e.SetProperty(x => x.Secret, WebhooksFixture.Secret), Cancellation));
        await SucceedAsync("webhooks", "rotate", "made");
        var row = await app.QueryAsync(db => db.WebhookEndpoints.AsNoTracking().SingleAsync(e => e.Name == "made", Cancellation));
        row.PreviousSecret.ShouldStartWith("aes256gcm:");
        await ReloadAsync();
        app.Services.GetRequiredService<WebhookEndpoints>().Find("made")!.PreviousSecret.ShouldBe(WebhooksFixture.Secret);
    }

    [Fact]
    public async Task A_start_encrypts_secrets_from_before_there_was_a_key()
    {
        const string Before = "whsec_QW5vdGhlciBzZWNyZXQgdGhhdCB0ZXN0cyBrbm93IQ==";
        await MakeAsync("user.created");
        await app.QueryAsync(db => db.WebhookEndpoints.Where(e => e.Name == "made").ExecuteUpdateAsync(
            e => e.SetProperty(x => x.Secret, WebhooksFixture.Secret).SetProperty(x => x.PreviousSecret, Before), Cancellation));
        using var scope = app.Services.CreateScope();
        IStartupLoader endpoints = app.Services.GetRequiredService<WebhookEndpoints>();
        await endpoints.LoadAsync(scope.ServiceProvider, Cancellation);
        var row = await RowAsync();
        (row.Secret, row.PreviousSecret).ShouldSatisfyAllConditions(
            s => s.Secret.ShouldStartWith("aes256gcm:"), s => s.PreviousSecret.ShouldStartWith("aes256gcm:"));
        await endpoints.LoadAsync(scope.ServiceProvider, Cancellation);
        (await RowAsync()).Secret.ShouldBe(row.Secret);
        var made = app.Services.GetRequiredService<WebhookEndpoints>().Find("made")!;
        (made.Secret, made.PreviousSecret).ShouldBe((WebhooksFixture.Secret, Before));

        Task<WebhookEndpoint> RowAsync() =>
            app.QueryAsync(db => db.WebhookEndpoints.AsNoTracking().SingleAsync(e => e.Name == "made", Cancellation));
    }

    [Fact]
    public async Task Endpoints_of_the_settings_count_towards_the_most()
    {
        await app.QueryAsync(db =>
        {
            db.WebhookEndpoints.AddRange(Enumerable.Range(0, WebhookFormats.MostEndpoints - 3).Select(i => new WebhookEndpoint
            {
                Name = $"many-{i}",
                Url = "https://crm.example.com/",
                Events = "user.deleted",
                Secret = WebhooksFixture.Secret,
                CreatedAt = app.Clock.GetUtcNow().UtcDateTime,
            }));
            return db.SaveChangesAsync(Cancellation);
        });
        try
        {
            await ReloadAsync();
            await MakeAsync("user.deleted");
            await FailAsync(1, "There are 50 endpoints, which is the most.", "add", "new", "https://crm.example.com/");
        }
        finally
        {
            await app.QueryAsync(db => db.WebhookEndpoints.Where(e => e.Name.StartsWith("many-")).ExecuteDeleteAsync(Cancellation));
        }
    }

    [Fact]
    public async Task An_image_that_only_moves_to_another_storage_has_no_event()
    {
        var user = await app.CreateUserAsync();
        await app.ClientFor(user).UploadForUrlAsync(TestImage.Png(16, 16, 255, 0, 0), Cancellation);
        await NextAsync(user, "image.changed");
        var image = await ShowAsync(i => i with { Key = "moved", Url = "https://example.com/moved.jpg" });
        await ShowAsync(_ => image with { UpdatedAt = image.UpdatedAt.AddSeconds(1) });
        await NextAsync(user, "image.changed", 2);
        await DeleteAsync(user);
        await NextAsync(user, "user.deleted");
        app.Receiver.Deliveries.Count(d => d.UserId == user.Id && d.Type == "image.changed").ShouldBe(2);

        Task<ProfileImage> ShowAsync(Func<ProfileImage, ProfileImage> change) => app.QueryAsync(async db =>
        {
            var profile = await db.UserProfiles.SingleAsync(p => p.UserId == user.Id, Cancellation);
            var before = profile.Image!;
            profile.Image = change(before);
            await db.SaveChangesAsync(Cancellation);
            return before;
        });
    }

    [Fact]
    public async Task A_deleted_user_leaves_no_personal_data_and_dead_or_orphaned_messages_expire()
    {
        await MakeAsync();
        app.Receiver.On[Path] = WebhookReceiver.Status(503);
        var user = await app.CreateUserAsync("Nobody Else");
        var client = app.ClientFor(user);
        await ShouldBeOkAsync(
            client.PutAsJsonAsync("/me", new { bio = "About me", phone = "+49 30 123456", birth_date = "1990-01-02" }, Cancellation));
        await DeleteAsync(user);
        List<OutboxEntry> entries = [];
        // What the endpoint of deletions accepts leaves meanwhile.
        await UntilAsync(async () => (entries = await EntriesAsync(user)).Count == 3 && entries.All(e => e.Failure != null));
        string[] personal = [user.Email, "Nobody", "About", "30123456", "1990"];
        entries.ShouldAllBe(e => !personal.Any(p => $"{e.Key} {e.Payload} {e.Failure} {e.Network}".Contains(p)));

        // One is dead and expired, one is of an endpoint that is gone for a day; neither the third nor what is fresh is touched.
        var (now, ids) = (app.Clock.GetUtcNow().UtcDateTime, entries.Select(e => e.Id).ToArray());
        await app.QueryAsync(db => db.Outbox.Where(e => e.Id == ids[0]).ExecuteUpdateAsync(
            e => e.SetProperty(x => x.State, OutboxState.Dead).SetProperty(x => x.DueAt, now), Cancellation));
        await app.QueryAsync(async db =>
        {
            db.Outbox.AddRange(((TimeSpan[])[TimeSpan.FromDays(2), TimeSpan.FromHours(1)]).Select(age => new OutboxEntry
            {
                Store = OutboxStore.Webhook,
                State = OutboxState.Settling,
                UserId = user.Id,
                Key = "unknown",
                Payload = "msg_1.{}",
                CreatedAt = now - age,
                DueAt = now - age,
            }));
            return await db.SaveChangesAsync(Cancellation);
        });
        await app.Services.GetRequiredService<CleanupService>().SweepAsync(TimeSpan.Zero, Cancellation);
        var left = await EntriesAsync(user);
        left.Count(e => ids.Contains(e.Id)).ShouldBe(2);
        left.Where(e => e.Key == "unknown").ShouldHaveSingleItem().CreatedAt.ShouldBeGreaterThan(now - TimeSpan.FromHours(2));
        await app.QueryAsync(db => db.Outbox.Where(e => e.Key == "unknown").ExecuteDeleteAsync(Cancellation));
    }

    [Fact]
    public async Task Commands_refuse_what_cannot_be()
    {
        await MakeAsync();
        await FailAsync(1, "There is an endpoint made.", "add", "made", "https://crm.example.com/");
        await FailAsync(1, "Webhooks__Endpoints has an endpoint all.", "add", "all", "https://crm.example.com/");
        await FailAsync(1, "An event is named twice.", "add", "new", "https://crm.example.com/", "--event", "user.created", "user.created");
        await FailAsync(1, "user.born is no event", "add", "new", "https://crm.example.com/", "--event", "user.born");
        await FailAsync(1, "A name of an endpoint is", "add", "New", "https://crm.example.com/");
        await FailAsync(1, "The address must be", "add", "new", "https://user:password@crm.example.com/");
        foreach (var command in (string[])["rotate", "remove"])
        {
            await FailAsync(1, "There is no endpoint none.", command, "none");
            await FailAsync(1, "all is an endpoint of the settings", command, "all");
        }
        await FailAsync(1, "There is no message 4000000000.", "resend", "4000000000");
        await FailAsync(1, "There is no endpoint none.", "resend", "--all-dead", "--endpoint", "none");
        await FailAsync(2, "Either the number of a message or --all-dead", "resend");
        await FailAsync(2, "--endpoint goes with --all-dead.", "resend", "1", "--endpoint", "made");
        using var list = JsonDocument.Parse(await SucceedAsync("webhooks", "list", "--json"));
        list.RootElement.GetProperty("endpoints").EnumerateArray().Select(e => e.GetProperty("name").GetString())
            .ShouldBe(["all", "deletions", "made"]);
        (await SucceedAsync("webhooks", "list")).ShouldNotContain("whsec_");
    }

    [Fact]
    public async Task The_check_of_the_stores_ignores_messages()
    {
        await MakeAsync("user.created");
        app.Receiver.On[Path] = WebhookReceiver.Status(500);
        await EntryAsync(await app.CreateUserAsync(), e => e.Failure != null);
        using var scope = app.Services.CreateScope();
        using var output = new StringWriter();
        await ActivatorUtilities.CreateInstance<StoreCheck>(scope.ServiceProvider).RunAsync(output, Cancellation);
        output.ToString().ShouldContain("0 changes of images pending");
    }

    async Task IsListedAsync(string state, OutboxEntry entry)
    {
        using var list = JsonDocument.Parse(await SucceedAsync("webhooks", "list", "--json"));
        var shown = list.RootElement.GetProperty(state).EnumerateArray().Single(d => d.GetProperty("id").GetInt64() == entry.Id);
        (shown.GetProperty("type").GetString(), shown.GetProperty("message").GetString()).ShouldBe(("user.created", IdOf(entry)));
        (await SucceedAsync("webhooks", "list")).ShouldContain($"\n{state} {entry.Id}  made  user.created  ");
    }

    // Makes an endpoint that the service knows at once; returns its secret.
    async Task<string> MakeAsync(string? type = null, string? url = null)
    {
        string[] events = type is null ? [] : ["--event", type];
        var secret = await SucceedAsync(["webhooks", "add", "made", url ?? $"{app.Receiver.Address}{Path}", .. events]);
        await ReloadAsync();
        return secret.Trim();
    }

    Task<int> AddAsync(string key, string id, DateTime? due = null) => app.QueryAsync(async db =>
    {
        var now = app.Clock.GetUtcNow().UtcDateTime;
        db.Outbox.Add(new()
        {
            Store = OutboxStore.Webhook,
            State = OutboxState.Settling,
            UserId = 0,
            Key = key,
            Payload = id + """.{"type":"user.created","data":{"user_id":0}}""",
            CreatedAt = now,
            DueAt = due ?? now,
        });
        return await db.SaveChangesAsync(Cancellation);
    });

    // Nothing waits for the endpoint's loop to begin.
    Task ReloadAsync() => app.Services.GetRequiredService<WebhookEndpoints>().LoadAsync(Cancellation);

    async Task<string> SucceedAsync(params string[] arguments)
    {
        var (exitCode, output, error) = await app.RunAsync(arguments);
        exitCode.ShouldBe(0, error);
        return output;
    }

    async Task FailAsync(int exitCode, string sentence, params string[] arguments)
    {
        var (ended, output, error) = await app.RunAsync(["webhooks", .. arguments]);
        ended.ShouldBe(exitCode, output + error);
        error.ShouldContain(sentence);
    }

    async Task<Delivery> NextAsync(TestUser user, string type, int count = 1, string path = "/all")
    {
        Delivery[] found = [];
        await UntilAsync(() =>
        {
            found = [.. app.Receiver.Deliveries.Where(d => d.Path == path && d.UserId == user.Id && d.Type == type)];
            return Task.FromResult(found.Length >= count);
        });
        return found[count - 1];
    }

    Task<List<OutboxEntry>> EntriesAsync(TestUser user) => app.QueryAsync(db => db.Outbox.AsNoTracking()
        .Where(e => e.UserId == user.Id && e.Store == OutboxStore.Webhook && e.Key != "all").OrderBy(e => e.Id).ToListAsync(Cancellation));

    async Task<OutboxEntry> EntryAsync(TestUser user, Func<OutboxEntry, bool> condition)
    {
        OutboxEntry? found = null;
        await UntilAsync(async () => (found = (await EntriesAsync(user)).SingleOrDefault(condition)) is not null);
        return found!;
    }

    Task GoneAsync(TestUser user) => UntilAsync(async () => (await EntriesAsync(user)).Count == 0);

    // The time of the next attempt comes.
    async Task DueAsync(TestUser user)
    {
        var now = app.Clock.GetUtcNow().UtcDateTime;
        await app.QueryAsync(db => db.Outbox.Where(e => e.UserId == user.Id && e.Key == "made")
            .ExecuteUpdateAsync(e => e.SetProperty(x => x.DueAt, now), Cancellation));
        app.Services.GetRequiredService<OutboxSignal>().Wake();
    }

    async Task UntilAsync(Func<Task<bool>> reached)
    {
        var patience = Stopwatch.StartNew();
        while (!await reached())
        {
            patience.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(60));
            await Task.Delay(20, Cancellation);
        }
    }

    async Task<TestMail> FirstMailAsync(TestUser user)
    {
        await UntilAsync(() => Task.FromResult(app.MailsTo(user.Email).Length > 0));
        return app.MailsTo(user.Email)[0];
    }

    Task DeleteAsync(TestUser user) => ShouldBeOkAsync(app.ClientFor(user).SendAsync(
        new(HttpMethod.Delete, "/me") { Content = JsonContent.Create(new { password = user.Password }) }, Cancellation));

    Task<HttpResponseMessage> RefreshAsync(string token) =>
        app.Client.PostAsJsonAsync("/token/refresh", new { refresh_token = token }, Cancellation);

    static string IdOf(OutboxEntry entry) => WebhookMessage.Of(entry.Payload!).Id;

    static string?[] Members(Delivery delivery) =>
        [.. delivery.Data.GetProperty("changed").EnumerateArray().Select(m => m.GetString())];

    static (long, string?) SessionEnd(Delivery delivery) =>
        (delivery.Data.GetProperty("session_id").GetInt64(), delivery.Data.GetProperty("reason").GetString());

    static async Task ShouldBeOkAsync(Task<HttpResponseMessage> response) => await (await response).ShouldBeAsync(HttpStatusCode.OK);
}
