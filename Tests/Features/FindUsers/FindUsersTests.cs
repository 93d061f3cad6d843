using System.Net;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Profiles.Tests.Infrastructure.Admin;

namespace Profiles.Tests.Features.FindUsers;

public sealed class FindUsersTests(AdminFixture app) : TestBase<AdminFixture>
{
    // Letters that no other test's addresses begin with.
    readonly string prefix = $"find{Guid.NewGuid():N}"[..20];

    [Fact]
    public async Task An_account_is_found_by_the_beginning_of_its_address_or_username_and_by_its_whole_ids()
    {
        var (one, two, other) = (await CreateAsync("a"), await CreateAsync("b"), await app.CreateUserAsync());
        await app.QueryAsync(db => db.UserProfiles.Where(p => p.UserId == other.Id)
            .ExecuteUpdateAsync(p => p.SetProperty(x => x.Username, prefix + "zz")));
        await app.QueryAsync(db => db.UserProfiles.Where(p => p.UserId == one.Id)
            .ExecuteUpdateAsync(p => p.SetProperty(x => x.Username, prefix + "a")));
        await app.QueryAsync(db => db.Users.Where(u => u.Id == two.Id)
            .ExecuteUpdateAsync(u => u.SetProperty(x => x.ExternalId, $"X|{prefix}")));

        (await FindAsync(prefix.ToUpperInvariant())).ShouldBe([one.Id, two.Id, other.Id]);
        (await FindAsync(prefix + "z")).ShouldBe([other.Id]);
        (await FindAsync(one.Email)).ShouldBe([one.Id]);
        (await FindAsync($"X|{prefix}")).ShouldBe([two.Id]);
        (await FindAsync($"x|{prefix}")).ShouldBeEmpty();
        (await FindAsync(prefix[1..])).ShouldBeEmpty();
        (await FindAsync($"{one.Id}"))[0].ShouldBe(one.Id);
        // No character is a pattern.
        foreach (var nothing in new[] { "%", "_", prefix[..4] + "%", "*", "'", "\\", "ünï", "💥" })
            (await FindAsync(nothing)).ShouldBeEmpty(nothing);
    }

    [Fact]
    public async Task Pages_repeat_and_leave_out_nobody_while_others_register()
    {
        var users = new List<TestUser>();
        for (var i = 0; i < 7; i++)
            users.Add(await CreateAsync($"m{i}"));
        var byName = await app.CreateUserAsync();
        await app.QueryAsync(db => db.UserProfiles.Where(p => p.UserId == byName.Id)
            .ExecuteUpdateAsync(p => p.SetProperty(x => x.Username, prefix + "name")));
        foreach (var limit in new[] { 1, 2, 3, 8, 100 })
        {
            var (seen, cursor, late) = (new List<long>(), (string?)null, new List<long>());
            do
            {
                var page = await PageAsync($"query={prefix}&limit={limit}" + (cursor is null ? "" : $"&cursor={cursor}"));
                var ids = Ids(page);
                ids.Length.ShouldBeLessThanOrEqualTo(limit);
                seen.AddRange(ids);
                cursor = page.GetProperty("next_cursor").GetString();
                // Before and after the present place.
                late.Add((await CreateAsync($"a{Guid.NewGuid():N}"[..8])).Id);
            }
            while (cursor is not null);
            seen.Distinct().Count().ShouldBe(seen.Count);
            seen.Where(id => !late.Contains(id)).Intersect(users.Select(u => u.Id)).ShouldBe(users.Select(u => u.Id));
            seen[^1].ShouldBe(byName.Id);
        }
    }

    [Fact]
    public async Task Exact_matches_are_first_and_only_once_whatever_the_page_s_size()
    {
        var (byId, byExternalId, byAddress) = (await app.CreateUserAsync(), await app.CreateUserAsync(), await app.CreateUserAsync());
        foreach (var user in new[] { byExternalId, byAddress })
        {
            await app.QueryAsync(db => db.Users.Where(u => u.Id == user.Id).ExecuteUpdateAsync(u => u
                .SetProperty(x => x.NormalizedEmail, $"{byId.Id}{user.Id}{prefix}@example.com")
                .SetProperty(x => x.Email, $"{byId.Id}{user.Id}{prefix}@example.com")));
        }
        await app.QueryAsync(db => db.Users.Where(u => u.Id == byExternalId.Id)
            .ExecuteUpdateAsync(u => u.SetProperty(x => x.ExternalId, $"{byId.Id}")));
        foreach (var limit in new[] { 1, 2, 3 })
        {
            var (seen, cursor) = (new List<long>(), (string?)null);
            do
            {
                var page = await PageAsync($"query={byId.Id}&limit={limit}" + (cursor is null ? "" : $"&cursor={cursor}"));
                Ids(page).Length.ShouldBeLessThanOrEqualTo(limit);
                seen.AddRange(Ids(page));
                cursor = page.GetProperty("next_cursor").GetString();
            }
            while (cursor is not null);
            seen[..2].ShouldBe([byId.Id, byExternalId.Id]);
            seen.ShouldContain(byAddress.Id);
            seen.Distinct().Count().ShouldBe(seen.Count);
        }
    }

    [Fact]
    public async Task Without_a_query_everybody_is_listed()
    {
        var user = await CreateAsync("x");
        var (seen, cursor) = (new List<long>(), (string?)null);
        do
        {
            var page = await PageAsync("limit=100" + (cursor is null ? "" : $"&cursor={cursor}"));
            seen.AddRange(Ids(page));
            cursor = page.GetProperty("next_cursor").GetString();
        }
        while (cursor is not null);
        seen.ShouldContain(user.Id);
        seen.Distinct().Count().ShouldBe(seen.Count);
    }

    [Fact]
    public async Task Accounts_without_an_address_are_listed_last_and_found_by_id_and_username()
    {
        var user = await CreateAsync("g");
        var guests = new List<long>();
        for (var i = 0; i < 5; i++)
            guests.Add((await app.CreateGuestAsync()).Id);
        await app.QueryAsync(db => db.UserProfiles.Where(p => p.UserId == guests[0])
            .ExecuteUpdateAsync(p => p.SetProperty(x => x.Username, prefix + "guest")));
        (await FindAsync(prefix)).ShouldBe([user.Id, guests[0]]);
        (await FindAsync($"{guests[1]}"))[0].ShouldBe(guests[1]);
        foreach (var limit in new[] { 2, 3, 100 })
        {
            var (seen, cursor) = (new List<(long Id, bool IsGuest)>(), (string?)null);
            do
            {
                var page = await PageAsync($"limit={limit}" + (cursor is null ? "" : $"&cursor={cursor}"));
                Ids(page).Length.ShouldBeLessThanOrEqualTo(limit);
                seen.AddRange(page.GetProperty("users").EnumerateArray().Select(u =>
                    (u.GetProperty("id").GetInt64(), u.GetProperty("email").ValueKind == JsonValueKind.Null)));
                cursor = page.GetProperty("next_cursor").GetString();
            }
            while (cursor is not null);
            seen.Select(s => s.Id).Distinct().Count().ShouldBe(seen.Count);
            seen.ShouldContain((user.Id, false));
            var last = seen.SkipWhile(s => !s.IsGuest).ToArray();
            last.ShouldAllBe(s => s.IsGuest);
            last.Select(s => s.Id).ShouldBeInOrder();
            last.Select(s => s.Id).Intersect(guests).ShouldBe(guests);
        }
    }

    [Theory]
    [InlineData("limit=0", "limit", "limit_invalid")]
    [InlineData("limit=101", "limit", "limit_invalid")]
    [InlineData("limit=x", "limit", "limit_invalid")]
    [InlineData("limit=1&limit=2", "limit", "limit_invalid")]
    [InlineData("query=", "query", "query_invalid")]
    [InlineData("query=a%00b", "query", "query_invalid")]
    [InlineData("query=a&query=b", "query", "query_invalid")]
    [InlineData("cursor=", "cursor", "cursor_invalid")]
    [InlineData("cursor=!", "cursor", "cursor_invalid")]
    [InlineData("cursor=QUJD", "cursor", "cursor_invalid")]
    [InlineData("cursor=YiE", "cursor", "cursor_invalid")]
    [InlineData("cursor=YQAA", "cursor", "cursor_invalid")]
    public async Task A_bad_parameter_is_named(string query, string field, string code)
    {
        using var admin = app.ClientWith(await app.CreateKeyAsync());
        var refused = await admin.GetAsync($"/admin/users?{query}", Cancellation);
        var problem = await refused.ShouldBeProblemAsync(HttpStatusCode.BadRequest);
        problem.GetProperty("error_codes").GetProperty(field)[0].GetString().ShouldBe(code);
    }

    [Fact]
    public async Task A_query_or_a_cursor_beyond_the_limit_is_refused()
    {
        using var admin = app.ClientWith(await app.CreateKeyAsync());
        await (await admin.GetAsync($"/admin/users?query={new string('a', 256)}", Cancellation)).ShouldRefuseFieldsAsync("query");
        await (await admin.GetAsync($"/admin/users?cursor={new string('a', 1001)}", Cancellation)).ShouldRefuseFieldsAsync("cursor");
        await (await admin.GetAsync($"/admin/users?query={new string('a', 255)}", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
    }

    [Fact]
    public async Task The_audit_log_has_how_many_were_found_and_not_what_was_asked()
    {
        await CreateAsync("1");
        var name = AdminFixture.NewKeyName();
        using var admin = app.ClientWith((await app.RunAsync("admin-keys", "create", name, "--scope", "users:read")).Output.Trim());
        foreach (var query in new[] { prefix, "nobody-" + prefix })
            await (await admin.GetAsync($"/admin/users?query={query}", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        var log = await app.QueryAsync(db => db.AuditLog.Where(e => e.Actor == $"key:{name}").OrderBy(e => e.Id).ToListAsync());
        log.Select(e => (e.Action, e.UserId, e.Detail)).ShouldBe([("users.found", null, "1"), ("users.found", null, "0")]);
    }

    [Fact]
    public async Task The_command_lists_and_continues()
    {
        var users = new[] { await CreateAsync("1"), await CreateAsync("2") };
        (await app.RunAsync("users", "disable", users[0].Email)).ExitCode.ShouldBe(0);
        var plain = await app.RunAsync("users", "find", prefix, "--limit", "1");
        plain.ExitCode.ShouldBe(0);
        var lines = plain.Output.Split('\n');
        lines[0].ShouldMatch($"^{users[0].Id} +disabled +{users[0].Email}  -  John Doe$");
        lines[1].ShouldStartWith("There are more: --cursor ");
        var next = await app.RunAsync("users", "find", prefix, "--json", "--cursor", lines[1].Split(' ')[^1]);
        using var json = JsonDocument.Parse(next.Output);
        Ids(json.RootElement).ShouldBe([users[1].Id]);
        (await app.RunAsync("users", "find", "nobody-" + prefix)).ShouldBe((1, "", "Nobody is found.\n"));
        (await app.RunAsync("users", "find", prefix, "--limit", "1000")).ExitCode.ShouldBe(2);
        (await app.RunAsync("users", "find", prefix, "--cursor", "!")).ExitCode.ShouldBe(1);
    }

    async Task<TestUser> CreateAsync(string name)
    {
        var user = await app.CreateUserAsync();
        var email = $"{prefix}{name}@example.com";
        await app.QueryAsync(db => db.Users.Where(u => u.Id == user.Id).ExecuteUpdateAsync(
            u => u.SetProperty(x => x.Email, email).SetProperty(x => x.NormalizedEmail, email)));
        return user with { Email = email };
    }

    async Task<long[]> FindAsync(string query) => Ids(await PageAsync($"query={Uri.EscapeDataString(query)}&limit=100"));

    async Task<JsonElement> PageAsync(string query)
    {
        using var admin = app.ClientWith(await app.CreateKeyAsync());
        return await (await admin.GetAsync($"/admin/users?{query}", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
    }

    static long[] Ids(JsonElement page) => [.. page.GetProperty("users").EnumerateArray().Select(u => u.GetProperty("id").GetInt64())];
}
