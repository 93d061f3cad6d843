using System.Net;
using Microsoft.EntityFrameworkCore;
using Profiles.Tests.Infrastructure.Admin;

namespace Profiles.Tests.Features.DeleteUser;

public sealed class DeleteUserTests(AdminFixture app) : TestBase<AdminFixture>
{
    [Fact]
    public async Task The_account_is_gone_with_its_image_and_the_audit_log_keeps_the_id_alone()
    {
        var user = await app.CreateUserAsync("Jane Roe");
        using var client = app.ClientFor(user);
        await client.UploadForUrlAsync(TestImage.Png(8, 8, 255, 0, 0), Cancellation);
        using var admin = app.ClientWith(await app.CreateKeyAsync());
        await (await admin.DeleteAsync($"/admin/users/{user.Id}", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        await (await admin.DeleteAsync($"/admin/users/{user.Id}", Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.NotFound, "There is no such user");
        await (await client.GetAsync("/me", Cancellation)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        Directory.EnumerateFiles(app.ImageDirectory, $"{user.Id}*").ShouldBeEmpty();
        var entry = await app.QueryAsync(db => db.AuditLog.SingleAsync(e => e.UserId == user.Id));
        (entry.Action, entry.Detail).ShouldBe(("user.deleted", null));
    }

    [Fact]
    public async Task The_command_asks_on_a_terminal_and_needs_yes_without_one()
    {
        var user = await app.CreateUserAsync();
        foreach (var typed in new[] { null, "", "n\n", "what\n" })
        {
            var kept = await app.RunAsync(typed, ["users", "delete", user.Email]);
            kept.ExitCode.ShouldBe(1);
            kept.Error.ShouldStartWith("Nothing is deleted.");
        }
        (await ExistsAsync(user)).ShouldBeTrue();
        var deleted = await app.RunAsync("y\n", ["users", "delete", user.Email]);
        deleted.ExitCode.ShouldBe(0);
        deleted.Output.ShouldBe(
            $"Delete User {user.Id} ({user.Email}) with all data, for good? [y/N] User {user.Id} ({user.Email}) is deleted.\n");
        (await ExistsAsync(user)).ShouldBeFalse();
        var other = await app.CreateUserAsync();
        (await app.RunAsync("users", "delete", $"{other.Id}", "--yes")).ExitCode.ShouldBe(0);
        (await ExistsAsync(other)).ShouldBeFalse();
        (await app.QueryAsync(db => db.AuditLog.CountAsync(e => e.UserId == user.Id || e.UserId == other.Id))).ShouldBe(2);
    }

    Task<bool> ExistsAsync(TestUser user) => app.QueryAsync(db => db.Users.AnyAsync(u => u.Id == user.Id));
}
