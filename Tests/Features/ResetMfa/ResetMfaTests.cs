using System.Net;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;

namespace Profiles.Tests.Features.ResetMfa;

/// <summary>The command <c>users reset-mfa</c>.</summary>
public sealed class ResetMfaTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    [Fact]
    public async Task The_second_factor_is_removed_and_nothing_else_ends()
    {
        var enrolled = await app.CreateEnrolledAsync();
        var (exitCode, output, _) = await app.RunAsync("users", "reset-mfa", enrolled.User.Email);
        exitCode.ShouldBe(0);
        output.ShouldBe(
            $"User {enrolled.User.Id} ({enrolled.User.Email}) has no second factor any more; the owner is told by mail.\n");
        await app.LogInAsync(enrolled.User);
        using var client = app.ClientFor(enrolled.User);
        await (await client.GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        (await app.EventsAsync(enrolled.User)).ShouldContain(SecurityEventKind.SecondFactorDisabled);
        await app.MailAsync(enrolled.User.Email, "Your second factor was reset");
        var entry = await app.QueryAsync(db => db.AuditLog.SingleAsync(e => e.UserId == enrolled.User.Id, Cancellation));
        (entry.Action, entry.Actor).ShouldBe(("user.mfa_reset", $"command:{Environment.UserName}"));
    }

    [Fact]
    public async Task Somebody_without_one_and_nobody_are_failures_without_an_entry()
    {
        var user = await app.CreateUserAsync();
        var (exitCode, _, error) = await app.RunAsync("users", "reset-mfa", $"{user.Id}");
        exitCode.ShouldBe(1);
        error.ShouldContain("has no second factor.");
        (await app.RunAsync("users", "reset-mfa", "nobody@example.com")).ExitCode.ShouldBe(1);
        (await app.QueryAsync(db => db.AuditLog.CountAsync(e => e.UserId == user.Id, Cancellation))).ShouldBe(0);
    }
}
