using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Tests.Infrastructure.Admin;

namespace Profiles.Tests.Features.DisableUser;

public sealed class DisableUserTests(AdminFixture app) : TestBase<AdminFixture>
{
    const string Subject = "Set a new password";

    [Fact]
    public async Task Every_token_of_a_disabled_account_is_refused_at_once_and_the_owner_sees_why()
    {
        var user = await app.LogInAsync(await app.CreateUserAsync(), "Phone");
        using var client = app.ClientFor(user);
        using var admin = app.ClientWith(await app.CreateKeyAsync());
        for (var i = 0; i < 2; i++)
        {
            var answer = await admin.SendAsync(
                ClientAddresses.From("203.0.113.9", HttpMethod.Post, $"/admin/users/{user.Id}/disable"), Cancellation);
            (await answer.ShouldBeAsync(HttpStatusCode.OK)).GetProperty("message").GetString().ShouldBe("User disabled successfully");
        }
        await (await client.GetAsync("/me", Cancellation)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        await (await RefreshAsync(user)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "Invalid or expired refresh token");
        var login = await (await LoginAsync(user.Email, user.Password)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        login.GetProperty("code").GetString().ShouldBe("account_disabled");
        (await app.QueryAsync(db => db.Sessions.CountAsync(s => s.UserId == user.Id))).ShouldBe(0);
        // One event and one entry, however often it is asked for. The operator's network is nobody's business.
        var events = await app.QueryAsync(db => db.SecurityEvents.Where(e => e.UserId == user.Id).OrderByDescending(e => e.Id)
            .Take(3).ToListAsync());
        events.Select(e => e.Kind).ShouldBe(
            [SecurityEventKind.AccountDisabled, SecurityEventKind.SessionEnded, SecurityEventKind.SessionEnded]);
        events.ShouldAllBe(e => e.Network == null);
        var entry = await app.QueryAsync(db => db.AuditLog.SingleAsync(e => e.UserId == user.Id));
        (entry.Action, entry.Detail).ShouldBe(("user.disabled", null));
        entry.Actor.ShouldStartWith("key:key-");
    }

    [Fact]
    public async Task A_stranger_does_not_learn_that_an_account_is_disabled()
    {
        var user = await DisabledAsync();
        var answers = new List<string>();
        var nobody = $"nobody-{Guid.NewGuid():N}@example.com";
        foreach (var (email, password) in new[] { (user.Email, "wrong password"), (nobody, user.Password) })
        {
            var refused = await LoginAsync(email, password);
            var problem = await refused.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "Invalid email or password");
            answers.Add(problem.GetProperty("code").GetString() + string.Join(';', refused.Headers.Select(h => h.Key).Order()));
        }
        answers[0].ShouldBe(answers[1]);
        // The address stays taken, and a new password is asked for as for any other address.
        var registration = new { name = "X", email = user.Email, password = user.Password };
        await (await app.Client.PostAsJsonAsync("/register", registration, Cancellation)).ShouldBeProblemAsync(HttpStatusCode.Conflict);
        (await app.Client.PostAsJsonAsync("/password/forgot", new { email = user.Email }, Cancellation)).StatusCode
            .ShouldBe(HttpStatusCode.Accepted);
        await app.SentAsync(user.Email);
        app.MailsTo(user.Email).ShouldNotContain(m => m.Subject == Subject);
    }

    [Fact]
    public async Task Links_that_were_mailed_before_are_void_for_good()
    {
        var user = await app.CreateUserAsync();
        await app.Client.PostAsJsonAsync("/password/forgot", new { email = user.Email }, Cancellation);
        var token = (await app.MailAsync(user.Email, Subject)).Token;
        await DisableAsync(user);
        var reset = await app.Client.PostAsJsonAsync("/password/reset", new { token, new_password = "another long one" }, Cancellation);
        await reset.ShouldBeProblemAsync(HttpStatusCode.BadRequest);
        (await app.RunAsync("users", "enable", user.Email)).ExitCode.ShouldBe(0);
        await app.LogInAsync(user);
    }

    [Fact]
    public async Task The_public_profile_and_the_image_are_hidden_until_the_account_is_enabled()
    {
        var user = await app.CreateUserAsync();
        using var client = app.ClientFor(user);
        var username = $"user_{user.Id}";
        var image = new Uri(await client.UploadForUrlAsync(TestImage.Png(8, 8, 255, 0, 0), Cancellation)).PathAndQuery;
        var patch = new StringContent(
            $$"""{"username":"{{username}}","is_public":true}""", new MediaTypeHeaderValue("application/merge-patch+json"));
        await (await client.PatchAsync("/me", patch, Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        (await StatusesAsync()).ShouldBe([HttpStatusCode.OK, HttpStatusCode.OK]);
        await DisableAsync(user);
        (await StatusesAsync()).ShouldBe([HttpStatusCode.NotFound, HttpStatusCode.NotFound]);
        (await app.RunAsync("users", "enable", username)).ExitCode.ShouldBe(0);
        (await StatusesAsync()).ShouldBe([HttpStatusCode.OK, HttpStatusCode.OK]);

        async Task<HttpStatusCode[]> StatusesAsync() =>
            [(await app.Client.GetAsync($"/users/{username}", Cancellation)).StatusCode,
                (await app.Client.GetAsync(image, Cancellation)).StatusCode];
    }

    [Fact]
    public async Task Whoever_knows_the_password_of_a_disabled_account_cannot_delete_it()
    {
        var user = await DisabledAsync();
        var form = new FormUrlEncodedContent(new Dictionary<string, string> { ["email"] = user.Email, ["password"] = user.Password });
        var refused = await app.Client.PostAsync("/account/deletion", form, Cancellation);
        refused.StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        (await refused.Content.ReadAsStringAsync(Cancellation)).ShouldContain("This account is disabled");
        (await app.QueryAsync(db => db.Users.AnyAsync(u => u.Id == user.Id))).ShouldBeTrue();
    }

    [Fact]
    public async Task A_login_or_a_refresh_at_the_same_time_leaves_no_session()
    {
        for (var round = 0; round < 15; round++)
        {
            var user = await app.CreateUserAsync();
            var attempts = Enumerable.Range(0, 4).Select(_ => LoginAsync(user.Email, user.Password)).Append(RefreshAsync(user)).ToArray();
            if (round % 3 > 0)
                await Task.WhenAny(attempts);
            await DisableAsync(user);
            var tokens = new List<string> { user.Token };
            foreach (var answer in await Task.WhenAll(attempts))
            {
                if (answer.StatusCode == HttpStatusCode.OK)
                    tokens.Add((await answer.ShouldBeAsync(HttpStatusCode.OK)).GetProperty("access_token").GetString()!);
                else
                    await answer.ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
            }
            (await app.QueryAsync(db => db.Sessions.CountAsync(s => s.UserId == user.Id))).ShouldBe(0);
            foreach (var token in tokens)
            {
                using var client = app.ClientFor(user with { Token = token });
                await (await client.GetAsync("/me", Cancellation)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
            }
        }
    }

    [Fact]
    public async Task A_request_in_progress_changes_nothing_any_more()
    {
        var user = await app.CreateUserAsync();
        using var client = app.ClientFor(user);
        var (upload, patch) = (HeldContent.Image(TestImage.Bytes("upright.jpg"), 1000),
            HeldContent.Text("""{"bio":"Too late."}""", "application/merge-patch+json"));
        var deletion = HeldContent.Text($$"""{"password":"{{user.Password}}"}""", "application/json");
        var password = HeldContent.Text(
            $$"""{"current_password":"{{user.Password}}","new_password":"another long one"}""", "application/json");
        var answers = new[]
        {
            client.PostAsync("/me/upload-image", upload, Cancellation), client.PatchAsync("/me", patch, Cancellation),
            client.SendAsync(new(HttpMethod.Delete, "/me") { Content = deletion }, Cancellation),
            client.PutAsync("/me/password", password, Cancellation),
        };
        await Task.Delay(500, Cancellation);
        await DisableAsync(user);
        foreach (var content in new[] { upload, patch, deletion, password })
            content.Release();
        (await Task.WhenAll(answers)).Select(a => a.StatusCode)
            .ShouldBe([.. Enumerable.Repeat(HttpStatusCode.Unauthorized, 3), HttpStatusCode.Forbidden]);
        (await app.RunAsync("users", "enable", user.Email)).ExitCode.ShouldBe(0);
        using var again = app.ClientFor(await app.LogInAsync(user));
        var me = await (await again.GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        me.GetProperty("bio").ValueKind.ShouldBe(JsonValueKind.Null);
        me.GetProperty("image_url").ValueKind.ShouldBe(JsonValueKind.Null);
        Directory.EnumerateFiles(app.ImageDirectory, $"{user.Id}.*").ShouldBeEmpty();
    }

    [Fact]
    public async Task A_deletion_of_the_image_that_waits_meanwhile_deletes_nothing()
    {
        var user = await app.CreateUserAsync();
        using var client = app.ClientFor(user);
        var url = await client.UploadForUrlAsync(TestImage.Png(8, 8, 255, 0, 0), Cancellation);
        var answer = await app.QueryAsync(async db =>
        {
            await using var transaction = await db.LockUserAsync(user.Id, Cancellation);
            await db.Users.Where(u => u.Id == user.Id)
                .ExecuteUpdateAsync(u => u.SetProperty(x => x.DisabledAt, app.Clock.GetUtcNow().UtcDateTime), Cancellation);
            var deletion = client.DeleteAsync("/me/upload-image", Cancellation);
            await Task.Delay(500, Cancellation);
            deletion.IsCompleted.ShouldBeFalse();
            await transaction.CommitAsync(Cancellation);
            return await deletion;
        });
        await answer.ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        (await app.RunAsync("users", "enable", user.Email)).ExitCode.ShouldBe(0);
        var me = await (await client.GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        me.GetProperty("image_url").GetString().ShouldBe(url);
    }

    [Fact]
    public async Task The_command_names_the_user_and_nobody_is_a_failure()
    {
        var user = await app.CreateUserAsync();
        (await app.RunAsync("users", "disable", user.Email.ToUpperInvariant()))
            .ShouldBe((0, $"User {user.Id} ({user.Email}) is disabled; all sessions have ended.\n", ""));
        foreach (var nobody in new[] { "nobody@example.com", "987654321", "nobody_of_this_name", "99999999999999999999" })
            (await app.RunAsync("users", "disable", nobody)).ShouldBe((1, "", "Nobody has this address, id or username.\n"));
        using var admin = app.ClientWith(await app.CreateKeyAsync());
        await (await admin.PostAsync("/admin/users/987654321/disable", null, Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.NotFound, "There is no such user");
        (await app.QueryAsync(db => db.AuditLog.SingleAsync(e => e.UserId == user.Id))).Actor
            .ShouldBe($"command:{Environment.UserName}");
    }

    async Task<TestUser> DisabledAsync()
    {
        var user = await app.CreateUserAsync();
        await DisableAsync(user);
        return user;
    }

    async Task DisableAsync(TestUser user) => (await app.RunAsync("users", "disable", $"{user.Id}")).ExitCode.ShouldBe(0);

    Task<HttpResponseMessage> LoginAsync(string email, string password) =>
        app.Client.PostAsJsonAsync("/login", new { email, password }, Cancellation);

    Task<HttpResponseMessage> RefreshAsync(TestUser user) =>
        app.Client.PostAsJsonAsync("/token/refresh", new { refresh_token = user.RefreshToken }, Cancellation);
}
