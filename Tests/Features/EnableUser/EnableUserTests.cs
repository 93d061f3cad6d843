using System.Net;
using Microsoft.EntityFrameworkCore;
using Profiles.Tests.Infrastructure.Admin;

namespace Profiles.Tests.Features.EnableUser;

public sealed class EnableUserTests(AdminFixture app) : TestBase<AdminFixture>
{
    [Fact]
    public async Task An_enabled_account_logs_in_anew_and_old_tokens_stay_refused()
    {
        var user = await app.CreateUserAsync();
        using var admin = app.ClientWith(await app.CreateKeyAsync());
        foreach (var action in new[] { "enable", "disable", "enable", "enable" })
            await (await admin.PostAsync($"/admin/users/{user.Id}/{action}", null, Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        await (await app.ClientFor(user).GetAsync("/me", Cancellation)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        using var client = app.ClientFor(await app.LogInAsync(user));
        var events = await (await client.GetAsync("/me/security-events", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        events.GetProperty("events").EnumerateArray().Select(e => e.GetProperty("kind").GetString()).Take(3)
            .ShouldBe(["logged_in", "account_enabled", "account_disabled"]);
        (await app.QueryAsync(db => db.AuditLog.Where(e => e.UserId == user.Id).OrderBy(e => e.Id).Select(e => e.Action).ToListAsync()))
            .ShouldBe(["user.disabled", "user.enabled"]);
    }

    [Fact]
    public async Task Nobody_is_not_found()
    {
        using var admin = app.ClientWith(await app.CreateKeyAsync());
        await (await admin.PostAsync("/admin/users/987654321/enable", null, Cancellation)).ShouldBeProblemAsync(HttpStatusCode.NotFound);
        (await app.RunAsync("users", "enable", "987654321")).ExitCode.ShouldBe(1);
    }
}
