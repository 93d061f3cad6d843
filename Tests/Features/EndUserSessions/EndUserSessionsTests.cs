using System.Net;
using Microsoft.EntityFrameworkCore;
using Profiles.Tests.Infrastructure.Admin;

namespace Profiles.Tests.Features.EndUserSessions;

public sealed class EndUserSessionsTests(AdminFixture app) : TestBase<AdminFixture>
{
    [Fact]
    public async Task The_user_is_logged_out_on_every_device_and_can_log_in_again()
    {
        var user = await app.LogInAsync(await app.CreateUserAsync(), "Phone");
        using var admin = app.ClientWith(await app.CreateKeyAsync());
        foreach (var count in new[] { 2, 0 })
        {
            var answer = await admin.PostAsync($"/admin/users/{user.Id}/end-sessions", null, Cancellation);
            (await answer.ShouldBeAsync(HttpStatusCode.OK)).GetProperty("ended").GetInt32().ShouldBe(count);
        }
        await (await app.ClientFor(user).GetAsync("/me", Cancellation)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        await app.LogInAsync(user);
        (await app.RunAsync("users", "end-sessions", user.Email))
            .ShouldBe((0, $"User {user.Id} ({user.Email}) is logged out; sessions ended: 1.\n", ""));
        (await app.QueryAsync(db => db.AuditLog.Where(e => e.UserId == user.Id).OrderBy(e => e.Id).ToListAsync()))
            .Select(e => (e.Action, e.Detail)).ShouldBe([("user.sessions_ended", "2"), ("user.sessions_ended", "1")]);
    }

    [Fact]
    public async Task Nobody_is_not_found()
    {
        using var admin = app.ClientWith(await app.CreateKeyAsync());
        await (await admin.PostAsync("/admin/users/987654321/end-sessions", null, Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.NotFound);
        (await app.RunAsync("users", "end-sessions", "987654321")).ExitCode.ShouldBe(1);
    }
}
