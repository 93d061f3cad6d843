using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Admin;
using Profiles.Tests.Infrastructure.Admin;

namespace Profiles.Tests.Features.CreateAdminKey;

public sealed class CreateAdminKeyTests(AdminFixture app) : TestBase<AdminFixture>
{
    [Fact]
    public async Task The_key_is_shown_once_and_only_its_hash_is_stored()
    {
        var name = AdminFixture.NewKeyName();
        var made = await app.RunAsync("admin-keys", "create", name, "--scope", AdminScopes.AuditRead, AdminScopes.UsersRead);
        made.ExitCode.ShouldBe(0);
        made.Error.ShouldBe("Keep the key now: it is not shown again.\n");
        var key = made.Output.Trim();
        var row = await app.QueryAsync(db => db.AdminKeys.SingleAsync(k => k.Name == name));
        row.Hash.ShouldBe(SHA256.HashData(Encoding.ASCII.GetBytes(key)));
        row.Scopes.ShouldBe("users:read audit:read");
        using var client = app.ClientWith(key);
        await (await client.GetAsync("/admin/audit?limit=1", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        var list = await app.RunAsync("admin-keys", "list", "--json");
        list.Output.ShouldNotContain(key);
        using var keys = JsonDocument.Parse(list.Output);
        keys.RootElement.EnumerateArray().Count(k => k.GetProperty("name").GetString() == name).ShouldBe(1);
        (await app.RunAsync("admin-keys", "list")).Output.ShouldStartWith("created ");
        (await app.RunAsync("admin-keys", "list")).Output.ShouldContain($"  {name}  users:read audit:read\n");
    }

    [Fact]
    public async Task A_name_is_taken_once()
    {
        var name = AdminFixture.NewKeyName();
        (await app.RunAsync("admin-keys", "create", name, "--scope", AdminScopes.AuditRead)).ExitCode.ShouldBe(0);
        (await app.RunAsync("admin-keys", "create", name, "--scope", AdminScopes.AuditRead))
            .ShouldBe((1, "", $"There is a key {name} already.\n"));
        (await app.QueryAsync(db => db.AuditLog.CountAsync(e => e.Detail!.StartsWith(name)))).ShouldBe(1);
    }

    [Fact]
    public async Task A_mistake_makes_no_key()
    {
        string[][] mistakes =
        [
            ["good"], ["good", "--scope"], ["good", "--scope", "everything"], ["bad name", "--scope", AdminScopes.AuditRead],
            ["", "--scope", AdminScopes.AuditRead], ["line\nbreak", "--scope", AdminScopes.AuditRead],
            [new string('a', AdminKey.NameMaxLength + 1), "--scope", AdminScopes.AuditRead],
        ];
        foreach (var mistake in mistakes)
        {
            var refused = await app.RunAsync(["admin-keys", "create", .. mistake]);
            (refused.ExitCode, refused.Output).ShouldBe((2, ""), string.Join(' ', mistake));
        }
    }
}
