using System.Net;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Profiles.Tests.Infrastructure.Admin;

namespace Profiles.Tests.Features.ShowUser;

public sealed class ShowUserTests(AdminFixture app) : TestBase<AdminFixture>
{
    [Fact]
    public async Task The_account_is_shown_with_its_state_and_without_secrets()
    {
        var user = await app.LogInAsync(await app.CreateUserAsync("Jane Roe"), "Phone");
        var url = await app.ClientFor(user).UploadForUrlAsync(TestImage.Png(8, 8, 255, 0, 0), Cancellation);
        using var admin = app.ClientWith(await app.CreateKeyAsync());
        var shown = await (await admin.GetAsync($"/admin/users/{user.Id}", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        shown.Names().ShouldBe(["id", "email", "email_verified_at", "pending_email", "name", "username", "is_public", "image_url",
            "external_id", "created_at", "updated_at", "disabled_at", "guest_since", "has_password", "identities", "passkeys",
            "has_second_factor", "sessions", "last_used_at"]);
        shown.GetProperty("email").GetString().ShouldBe(user.Email);
        shown.GetProperty("image_url").GetString().ShouldBe(url);
        shown.GetProperty("sessions").GetInt32().ShouldBe(2);
        shown.GetProperty("has_second_factor").GetBoolean().ShouldBeFalse();
        shown.GetProperty("disabled_at").ValueKind.ShouldBe(JsonValueKind.Null);
        (await app.RunAsync("users", "disable", user.Email)).ExitCode.ShouldBe(0);
        var disabled = await (await admin.GetAsync($"/admin/users/{user.Id}", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        disabled.GetProperty("disabled_at").GetDateTimeOffset().ShouldBe(TimeProvider.System.GetUtcNow(), TimeSpan.FromMinutes(1));
        disabled.GetProperty("sessions").GetInt32().ShouldBe(0);
        await (await admin.GetAsync("/admin/users/987654321", Cancellation)).ShouldBeProblemAsync(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task The_command_shows_lines_for_people_and_JSON_for_programs()
    {
        var user = await app.CreateUserAsync("Jane Roe");
        await app.QueryAsync(db =>
        {
            db.Identities.Add(new() { UserId = user.Id, Provider = "google", Subject = $"{user.Id}", CreatedAt = DateTime.UnixEpoch });
            db.Identities.Add(new() { UserId = user.Id, Provider = "apple", Subject = $"{user.Id}", CreatedAt = DateTime.UnixEpoch });
            return db.SaveChangesAsync();
        });
        var plain = await app.RunAsync("users", "show", user.Email);
        plain.Output.ShouldContain($"address          {user.Email}\n");
        plain.Output.ShouldContain("disabled         -\n");
        plain.Output.ShouldContain("password         yes\n");
        plain.Output.ShouldContain("identities       google, apple\n");
        plain.Output.ShouldContain("second factor    no\n");
        await app.EnrolAsync(user);
        (await app.RunAsync("users", "show", user.Email)).Output.ShouldContain("second factor    yes\n");
        var json = await app.RunAsync("users", "show", $"{user.Id}", "--json");
        using var shown = JsonDocument.Parse(json.Output);
        shown.RootElement.GetProperty("name").GetString().ShouldBe("Jane Roe");
        (await app.RunAsync("users", "show", "nobody@example.com")).ExitCode.ShouldBe(1);
    }

    [Fact]
    public async Task The_audit_log_says_who_saw_the_account()
    {
        var user = await app.CreateUserAsync();
        using var admin = app.ClientWith(await app.CreateKeyAsync());
        await (await admin.GetAsync($"/admin/users/{user.Id}", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        (await app.RunAsync("users", "show", user.Email)).ExitCode.ShouldBe(0);
        var log = await app.QueryAsync(db => db.AuditLog.Where(e => e.UserId == user.Id).OrderBy(e => e.Id).ToListAsync());
        log.Select(e => (e.Action, e.Detail)).ShouldBe([("user.shown", null), ("user.shown", null)]);
        log[0].Actor.ShouldStartWith("key:key-");
        log[1].Actor.ShouldBe($"command:{Environment.UserName}");
    }
}
