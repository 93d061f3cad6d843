using System.IO.Compression;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Tests.Features.VerifyEmail;
using Profiles.Tests.Infrastructure.Admin;

namespace Profiles.Tests.Features.StartGuest;

public sealed class StartGuestTests(AdminFixture app) : TestBase<AdminFixture>
{
    [Fact]
    public async Task A_guest_is_logged_in_to_an_account_without_address_and_password()
    {
        var response = await app.Client.PostAsJsonAsync("/guests", new { device = " Johns phone ", name = " Zoë " }, Cancellation);
        var begun = await response.ShouldBeAsync(HttpStatusCode.Created);
        begun.Names().Order()
            .ShouldBe(["access_token", "expires_in", "id", "refresh_expires_in", "refresh_token", "token_type"]);
        response.Headers.Location!.ToString().ShouldBe("/me");
        var guest = new TestUser(begun.GetProperty("id").GetInt64(), "", "", "", begun.GetProperty("access_token").GetString()!);
        using var client = app.ClientFor(guest);
        var me = await (await client.GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        (me.GetProperty("id").GetInt64(), me.GetProperty("name").GetString(), me.GetProperty("email").ValueKind,
            me.GetProperty("email_verified").GetBoolean(), me.GetProperty("is_guest").GetBoolean())
            .ShouldBe((guest.Id, "Zoë", JsonValueKind.Null, false, true));
        var sessions = await (await client.GetAsync("/me/sessions", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        sessions.GetProperty("sessions").EnumerateArray().ShouldHaveSingleItem().GetProperty("device").GetString().ShouldBe("Johns phone");
        (await app.QueryAsync(db => db.SecurityEvents.Where(e => e.UserId == guest.Id).OrderBy(e => e.Id).Select(e => e.Kind)
            .ToListAsync())).ShouldBe([SecurityEventKind.Registered, SecurityEventKind.LoggedIn]);
        var stored = await app.QueryAsync(db => db.FindUserAsync(guest.Id, Cancellation));
        (stored!.Email, stored.NormalizedEmail, stored.PasswordHash).ShouldBe((null, null, ""));
        stored.GuestSince!.Value.ShouldBe(app.Clock.GetUtcNow().UtcDateTime, TimeSpan.FromMinutes(1));
        var refreshed = await app.Client.PostAsJsonAsync(
            "/token/refresh", new { refresh_token = begun.GetProperty("refresh_token").GetString() }, Cancellation);
        await refreshed.ShouldBeAsync(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_guest_has_a_profile_an_image_an_export_and_a_public_page_like_all_others()
    {
        using var client = app.ClientFor(await app.CreateGuestAsync());
        (await (await client.GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK)).GetProperty("name").GetString().ShouldBe("");
        await client.UploadForUrlAsync(TestImage.Png(16, 16, 255, 0, 0), Cancellation);
        var username = $"g{Guid.NewGuid():N}"[..20];
        await (await client.PutAsJsonAsync("/me", new { username, is_public = true }, Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        var shown = await (await app.Client.GetAsync($"/users/{username}", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        (shown.GetProperty("name").GetString(), shown.TryGetProperty("is_guest", out _)).ShouldBe(("", false));
        await using var zip = await ZipArchive.CreateAsync(
            await client.GetStreamAsync("/me/export", Cancellation), ZipArchiveMode.Read, false, null, Cancellation);
        zip.Entries.Select(e => e.Name).ShouldContain("picture.jpg");
        await using var profile = await zip.GetEntry("profile.json")!.OpenAsync(Cancellation);
        using var exported = await JsonDocument.ParseAsync(profile, default, Cancellation);
        exported.RootElement.GetProperty("guest_since").ValueKind.ShouldBe(JsonValueKind.String);
        // There is no mailbox that could get a mail.
        await (await client.PostAsync("/email/verify/resend", null, Cancellation)).ShouldBeAsync(HttpStatusCode.Accepted);
        await (await client.DeleteAsync("/me/sessions", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        await (await client.PostAsync("/logout", null, Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        await (await client.GetAsync("/me", Cancellation)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
    }

    [Fact, Trait("Database", "Sqlite")]
    public async Task Every_refused_field_is_named_and_nothing_is_stored()
    {
        var count = await CountAsync();
        await (await PostAsync(new { device = new string('d', Session.DeviceMaxLength + 1), name = "" }))
            .ShouldRefuseFieldsAsync("device", "name");
        await (await PostAsync(new { name = "a\u202Eb" })).ShouldRefuseFieldsAsync("name");
        await (await PostAsync(new { device = 1 })).ShouldRefuseFieldsAsync("device");
        (await CountAsync()).ShouldBe(count);

        Task<int> CountAsync() => app.QueryAsync(db => db.Users.CountAsync(u => u.GuestSince != null));
    }

    [Fact]
    public async Task Undocumented_members_change_nothing()
    {
        var begun = await (await PostAsync(new { id = 999_999, email = "a@example.com", password_hash = "x", guest_since = (string?)null }))
            .ShouldBeAsync(HttpStatusCode.Created);
        var id = begun.GetProperty("id").GetInt64();
        id.ShouldNotBe(999_999);
        var stored = (await app.QueryAsync(db => db.FindUserAsync(id, Cancellation)))!;
        (stored.Email, stored.PasswordHash, stored.GuestSince is null).ShouldBe((null, "", false));
    }

    [Fact]
    public async Task A_key_that_two_apps_share_gives_neither_the_tokens_of_the_other()
    {
        var ids = new List<long>();
        for (var i = 0; i < 2; i++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/guests");
            request.Content = JsonContent.Create(new { });
            request.Headers.Add("Idempotency-Key", "the same");
            ids.Add((await (await app.Client.SendAsync(request, Cancellation)).ShouldBeAsync(HttpStatusCode.Created))
                .GetProperty("id").GetInt64());
        }
        ids.Distinct().Count().ShouldBe(2);
    }

    [Fact]
    public async Task An_operator_sees_disables_exports_and_deletes_a_guest()
    {
        var guest = await app.CreateGuestAsync();
        var who = $"{guest.Id}";
        (await app.RunAsync("users", "show", who)).Output.ShouldContain("guest since");
        (await app.RunAsync("users", "find", who)).Output.ShouldContain("guest        -  -  ");
        (await app.RunAsync("users", "verify", who)).ShouldBe((1, "", "The account has no e-mail address\n"));
        using var admin = app.ClientWith(await app.CreateKeyAsync());
        await (await admin.PostAsync($"/admin/users/{who}/verify", null, Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.Conflict, "The account has no e-mail address");
        (await admin.GetAsync($"/admin/users/{who}/export", Cancellation)).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await app.RunAsync("users", "disable", who)).Output.ShouldContain($"User {who} (no address)");
        using var client = app.ClientFor(guest);
        await (await client.GetAsync("/me", Cancellation)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        (await app.RunAsync("users", "enable", who)).ExitCode.ShouldBe(0);
        await (await admin.DeleteAsync($"/admin/users/{who}", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        (await app.QueryAsync(db => db.FindUserAsync(guest.Id, Cancellation))).ShouldBeNull();
    }

    [Fact]
    public async Task A_guest_has_no_password_that_a_new_address_or_the_deletion_could_ask_for()
    {
        var (guest, email) = (await app.CreateGuestAsync(), $"guest-{Guid.NewGuid():N}@example.com");
        using var client = app.ClientFor(guest);
        var changed = await (await client.PutAsJsonAsync("/me", new { email }, Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        (changed.GetProperty("pending_email").GetString(), changed.GetProperty("is_guest").GetBoolean()).ShouldBe((email, true));
        var token = (await app.MailAsync(email, VerifyEmailTests.Subject)).Token;
        await (await app.Client.PostAsJsonAsync("/email/verify", new { token }, Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        var me = await (await client.GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        (me.GetProperty("id").GetInt64(), me.GetProperty("is_guest").GetBoolean()).ShouldBe((guest.Id, false));
        var other = await app.CreateGuestAsync();
        using var leaving = app.ClientFor(other);
        await (await leaving.SendAsync(new(HttpMethod.Delete, "/me") { Content = JsonContent.Create(new { }) }, Cancellation))
            .ShouldBeAsync(HttpStatusCode.OK);
        (await app.QueryAsync(db => db.FindUserAsync(other.Id, Cancellation))).ShouldBeNull();
    }

    [Fact]
    public async Task No_mail_or_login_reaches_an_account_without_an_address()
    {
        var guest = await app.CreateGuestAsync();
        foreach (var email in new[] { "null@example.com", "guest@example.com" })
        {
            await (await app.Client.PostAsJsonAsync("/login", new { email, password = "" }, Cancellation))
                .ShouldRefuseFieldsAsync("password");
            await (await app.Client.PostAsJsonAsync("/login", new { email, password = "x" }, Cancellation))
                .ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "Invalid email or password");
        }
        (await app.QueryAsync(db => db.Outbox.CountAsync(e => e.UserId == guest.Id && e.Store == OutboxStore.Mail))).ShouldBe(0);
    }

    Task<HttpResponseMessage> PostAsync(object body) => app.Client.PostAsJsonAsync("/guests", body, Cancellation);
}
