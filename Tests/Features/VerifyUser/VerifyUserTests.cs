using System.Net;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Tests.Infrastructure.Admin;

namespace Profiles.Tests.Features.VerifyUser;

public sealed class VerifyUserTests(AdminFixture app) : TestBase<AdminFixture>
{
    [Fact]
    public async Task The_address_is_confirmed_and_the_mailed_link_is_void()
    {
        var user = await app.CreateUserAsync();
        await app.MailAsync(user.Email, "Confirm your e-mail address");
        using var admin = app.ClientWith(await app.CreateKeyAsync());
        for (var i = 0; i < 2; i++)
            await (await admin.PostAsync($"/admin/users/{user.Id}/verify", null, Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        using var client = app.ClientFor(user);
        (await (await client.GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK)).GetProperty("email_verified").GetBoolean()
            .ShouldBeTrue();
        (await app.QueryAsync(db => db.OneTimeTokens.CountAsync(t => t.UserId == user.Id))).ShouldBe(0);
        (await app.QueryAsync(db => db.SecurityEvents.CountAsync(e => e.UserId == user.Id && e.Kind == SecurityEventKind.EmailVerified)))
            .ShouldBe(1);
        (await app.QueryAsync(db => db.AuditLog.SingleAsync(e => e.UserId == user.Id))).Action.ShouldBe("user.verified");
    }

    [Fact]
    public async Task The_command_does_the_same_and_nobody_is_not_found()
    {
        var user = await app.CreateUserAsync();
        (await app.RunAsync("users", "verify", $"{user.Id}"))
            .ShouldBe((0, $"User {user.Id} ({user.Email}) has a confirmed address.\n", ""));
        (await app.QueryAsync(db => db.FindUserAsync(user.Id, Cancellation)))!.EmailVerifiedAt.ShouldNotBeNull();
        using var admin = app.ClientWith(await app.CreateKeyAsync());
        await (await admin.PostAsync("/admin/users/987654321/verify", null, Cancellation)).ShouldBeProblemAsync(HttpStatusCode.NotFound);
        (await app.RunAsync("users", "verify", "987654321")).ExitCode.ShouldBe(1);
    }
}
