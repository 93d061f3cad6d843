using System.Data.Common;
using System.Net;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Profiles.Data;
using Profiles.Infrastructure.Cleanup;
using Profiles.Tests.Infrastructure.Admin;

namespace Profiles.Tests.Features.ListAudit;

public sealed class ListAuditTests(AdminFixture app) : TestBase<AdminFixture>
{
    [Fact]
    public async Task What_was_done_to_a_user_is_listed_from_the_latest_on_and_page_by_page()
    {
        var user = await ChangedAsync();
        using var admin = app.ClientWith(await app.CreateKeyAsync());
        var (actions, cursor) = (new List<string>(), (string?)null);
        do
        {
            var page = await (await admin.GetAsync(
                $"/admin/audit?user_id={user.Id}&limit=2" + (cursor is null ? "" : $"&cursor={cursor}"), Cancellation))
                .ShouldBeAsync(HttpStatusCode.OK);
            actions.AddRange(page.GetProperty("entries").EnumerateArray().Select(e => e.GetProperty("action").GetString()!));
            cursor = page.GetProperty("next_cursor").GetString();
            // Another entry, which moves nothing.
            (await app.RunAsync("users", actions.Count % 4 == 2 ? "disable" : "enable", user.Email)).ExitCode.ShouldBe(0);
        }
        while (cursor is not null);
        actions.ShouldBe(["user.enabled", "user.disabled", "user.enabled", "user.disabled", "user.verified"]);
        var all = await (await admin.GetAsync("/admin/audit?limit=1", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        all.GetProperty("entries").GetArrayLength().ShouldBe(1);
        // Neither address nor name.
        var rows = await app.QueryAsync(db => db.AuditLog.Where(e => e.UserId == user.Id).ToListAsync());
        rows.ShouldAllBe(e => !$"{e.Actor} {e.Action} {e.Detail}".Contains(user.Email) && !$"{e.Actor} {e.Detail}".Contains(user.Name));
    }

    [Theory]
    [InlineData("limit=-1", "limit")]
    [InlineData("user_id=0", "user_id")]
    [InlineData("user_id=x", "user_id")]
    [InlineData("user_id=99999999999999999999", "user_id")]
    [InlineData("cursor=x", "cursor")]
    [InlineData("cursor=1&cursor=2", "cursor")]
    public async Task A_bad_parameter_is_named(string query, string field)
    {
        using var admin = app.ClientWith(await app.CreateKeyAsync());
        await (await admin.GetAsync($"/admin/audit?{query}", Cancellation)).ShouldRefuseFieldsAsync(field);
    }

    [Fact]
    public async Task The_command_lists_by_user_and_time()
    {
        var user = await ChangedAsync();
        var plain = await app.RunAsync("audit", "--user", user.Email);
        plain.ExitCode.ShouldBe(0);
        plain.Output.ShouldStartWith("time ");
        plain.Output.Split('\n')[1].ShouldMatch(
            $@"^\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\dZ  command:{Environment.UserName}  user\.enabled  {user.Id}  -$");
        (await app.RunAsync("users", "delete", user.Email, "--yes")).ExitCode.ShouldBe(0);
        using var json = JsonDocument.Parse((await app.RunAsync("audit", "--user", $"{user.Id}", "--limit", "1", "--json")).Output);
        json.RootElement.GetProperty("entries")[0].GetProperty("action").GetString().ShouldBe("user.deleted");
        var earlier = await app.RunAsync(
            "audit", "--user", $"{user.Id}", "--limit", "1", "--cursor", json.RootElement.GetProperty("next_cursor").GetString()!);
        earlier.Output.ShouldContain("user.enabled");
        (await app.RunAsync("audit", "--user", $"{user.Id}", "--since", "2000-01-31T00:00:00Z")).Output.ShouldContain("user.verified");
        (await app.RunAsync("audit", "--user", $"{user.Id}", "--since", "2100-01-31")).ShouldBe((0, "", ""));
        (await app.RunAsync("audit", "--user", user.Email)).ExitCode.ShouldBe(1);
        (await app.RunAsync("audit", "--since", "yesterday")).ExitCode.ShouldBe(2);
    }

    [Fact]
    public async Task The_database_refuses_to_change_an_entry()
    {
        var user = await ChangedAsync();
        await Should.ThrowAsync<DbException>(() => app.QueryAsync(db => db.AuditLog.Where(e => e.UserId == user.Id)
            .ExecuteUpdateAsync(e => e.SetProperty(x => x.Actor, "command:nobody"))));
    }

    [Fact]
    public async Task The_cleanup_deletes_entries_after_a_year_and_keeps_the_others()
    {
        var (old, recent) = ((Id: Random.Shared.NextInt64(1L << 40), Days: 366), (Id: Random.Shared.NextInt64(1L << 40), Days: 364));
        foreach (var (id, days) in new[] { old, recent })
        {
            await app.QueryAsync(db =>
            {
                var at = TimeProvider.System.GetUtcNow().UtcDateTime.AddDays(-days);
                db.AuditLog.Add(AuditEntry.Of(at, "command:test", "user.disabled", id, null));
                return db.SaveChangesAsync();
            });
        }
        await app.Services.GetRequiredService<CleanupService>().SweepAsync(TimeSpan.FromMinutes(1), Cancellation);
        (await app.QueryAsync(db => db.AuditLog.CountAsync(e => e.UserId == old.Id))).ShouldBe(0);
        (await app.QueryAsync(db => db.AuditLog.CountAsync(e => e.UserId == recent.Id))).ShouldBe(1);
    }

    async Task<TestUser> ChangedAsync()
    {
        var user = await app.CreateUserAsync();
        foreach (var action in new[] { "verify", "disable", "enable", "disable", "enable" })
            (await app.RunAsync("users", action, user.Email)).ExitCode.ShouldBe(0);
        return user;
    }
}
