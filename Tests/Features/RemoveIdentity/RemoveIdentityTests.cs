using System.Net;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Tests.Infrastructure.Identities;

namespace Profiles.Tests.Features.RemoveIdentity;

public sealed class RemoveIdentityTests(IdentitiesFixture app) : TestBase<IdentitiesFixture>
{
    [Fact]
    public async Task A_removed_identity_is_a_strangers_again()
    {
        var user = await app.CreateUserAsync();
        var token = app.TokenOf("google");
        var id = (await (await app.LinkAsync(user, token)).ShouldBeAsync(HttpStatusCode.Created)).GetProperty("id").GetInt64();
        using var other = app.ClientFor(await app.CreateUserAsync());
        await (await other.DeleteAsync($"/me/identities/{id}", Cancellation)).ShouldBeProblemAsync(HttpStatusCode.NotFound);

        using var client = app.ClientFor(user);
        await (await client.DeleteAsync($"/me/identities/{id}", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        await (await client.DeleteAsync($"/me/identities/{id}", Cancellation)).ShouldBeProblemAsync(HttpStatusCode.NotFound);
        (await app.UserOfAsync(await app.LogInAsync(app.TokenOf("google", token.Subject)))).Id.ShouldNotBe(user.Id);
        await app.MailAsync(user.Email, "Logging in with Google was removed");
        (await app.QueryAsync(db => db.SecurityEvents.Where(e => e.UserId == user.Id).OrderBy(e => e.Id).Select(e => e.Kind).ToListAsync()))
            .ShouldBe([SecurityEventKind.Registered, SecurityEventKind.LoggedIn, SecurityEventKind.IdentityAdded,
                SecurityEventKind.IdentityRemoved]);
    }

    [Fact]
    public async Task The_last_way_in_stays_also_when_two_are_removed_at_once()
    {
        var first = app.TokenOf("google", null, ("email", "x@gmail.com"), ("email_verified", false));
        var user = await app.UserOfAsync(await app.LogInAsync(first));
        await (await app.LinkAsync(user, app.TokenOf("company"))).ShouldBeAsync(HttpStatusCode.Created);
        var ids = await app.QueryAsync(db => db.Identities.Where(i => i.UserId == user.Id).Select(i => i.Id).ToListAsync());
        using var client = app.ClientFor(user);
        var answers = await Task.WhenAll(ids.Select(id => client.DeleteAsync($"/me/identities/{id}", Cancellation)));
        answers.Select(a => a.StatusCode).Order().ShouldBe([HttpStatusCode.OK, HttpStatusCode.Conflict]);
        (await answers.Single(a => a.StatusCode == HttpStatusCode.Conflict).ShouldBeProblemAsync(HttpStatusCode.Conflict))
            .GetProperty("code").GetString().ShouldBe("last_way_in");
        (await app.QueryAsync(db => db.Identities.CountAsync(i => i.UserId == user.Id))).ShouldBe(1);
    }

    [Fact]
    public async Task An_identity_of_a_provider_that_is_turned_off_is_no_way_in()
    {
        var user = await app.UserOfAsync(await app.LogInAsync(app.TokenOf("google")));
        await (await app.LinkAsync(user, app.TokenOf("company"))).ShouldBeAsync(HttpStatusCode.Created);
        var ids = await app.QueryAsync(
            db => db.Identities.Where(i => i.UserId == user.Id).OrderBy(i => i.Id).Select(i => i.Id).ToListAsync());
        await app.QueryAsync(db => db.Identities.Where(i => i.Id == ids[1]).ExecuteUpdateAsync(i => i.SetProperty(x => x.Provider, "off")));
        using var client = app.ClientFor(user);
        (await (await client.DeleteAsync($"/me/identities/{ids[0]}", Cancellation)).ShouldBeProblemAsync(HttpStatusCode.Conflict))
            .GetProperty("code").GetString().ShouldBe("last_way_in");
        (await app.QueryAsync(db => db.Identities.AnyAsync(i => i.Id == ids[0]))).ShouldBeTrue();
        // It can be removed itself.
        await (await client.DeleteAsync($"/me/identities/{ids[1]}", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_verified_address_is_another_way_in()
    {
        var token = app.TokenOf("apple", null, ("email", $"{Guid.NewGuid():N}@example.com"), ("email_verified", true));
        var user = await app.UserOfAsync(await app.LogInAsync(token));
        var id = await app.QueryAsync(db => db.Identities.Where(i => i.UserId == user.Id).Select(i => i.Id).SingleAsync());
        using var client = app.ClientFor(user);
        await (await client.DeleteAsync($"/me/identities/{id}", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
    }
}
