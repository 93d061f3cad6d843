using System.Net;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;

namespace Profiles.Tests.Features.RemovePasskey;

public sealed class RemovePasskeyTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    [Fact]
    public async Task A_removed_passkey_logs_in_no_more()
    {
        var user = await app.CreateUserAsync();
        using var client = app.ClientFor(user);
        using var other = app.ClientFor(await app.CreateUserAsync());
        using var phone = new SoftAuthenticator();
        var address = $"/me/passkeys/{(await (await phone.RegisterAsync(client)).ShouldBeAsync(HttpStatusCode.Created)).GetProperty("id")}";
        var stranger = await (await other.DeleteAsync(address, Cancellation)).ShouldBeProblemAsync(HttpStatusCode.NotFound);
        stranger.GetProperty("code").GetString().ShouldBe("passkey_not_found");
        await (await phone.LogInAsync(app.Client)).ShouldBeAsync(HttpStatusCode.OK);

        await (await client.DeleteAsync(address, Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        await (await phone.LogInAsync(app.Client)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        await (await client.DeleteAsync(address, Cancellation)).ShouldBeProblemAsync(HttpStatusCode.NotFound);
        (await app.QueryAsync(db => db.SecurityEvents.AnyAsync(
            e => e.UserId == user.Id && e.Kind == SecurityEventKind.PasskeyRemoved, Cancellation))).ShouldBeTrue();
        await app.MailAsync(user.Email, "A passkey was removed");
    }

    [Fact]
    public async Task The_last_way_in_stays_also_when_both_of_two_are_removed_at_once()
    {
        var user = await app.CreateUserAsync();
        using var client = app.ClientFor(user);
        using SoftAuthenticator phone = new(), key = new();
        var ids = new List<long>();
        foreach (var passkey in new[] { phone, key })
            ids.Add((await (await passkey.RegisterAsync(client)).ShouldBeAsync(HttpStatusCode.Created)).GetProperty("id").GetInt64());
        await app.QueryAsync(db => db.Users.Where(u => u.Id == user.Id)
            .ExecuteUpdateAsync(u => u.SetProperty(x => x.PasswordHash, ""), Cancellation));
        var answers = await Task.WhenAll(ids.Select(id => client.DeleteAsync($"/me/passkeys/{id}", Cancellation)));
        answers.Select(a => a.StatusCode).Order().ShouldBe([HttpStatusCode.OK, HttpStatusCode.Conflict]);
        var refused = await answers.Single(a => a.StatusCode == HttpStatusCode.Conflict).ShouldBeProblemAsync(HttpStatusCode.Conflict);
        refused.GetProperty("code").GetString().ShouldBe("last_way_in");
        (await app.QueryAsync(db => db.Passkeys.CountAsync(p => p.UserId == user.Id, Cancellation))).ShouldBe(1);
    }
}
