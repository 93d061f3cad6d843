using System.Net;
using System.Net.Http.Json;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Tests.Infrastructure.Identities;
using Profiles.Tests.Infrastructure.Sessions;

namespace Profiles.Tests.Features.AddIdentity;

public sealed class AddIdentityTests(IdentitiesFixture app) : TestBase<IdentitiesFixture>
{
    [Fact]
    public async Task An_identity_of_any_address_logs_in_to_the_account_that_links_it()
    {
        var (user, owner) = (await app.CreateUserAsync(), await app.CreateVerifiedUserAsync("gmail.com"));
        // The address is another's, who is not the owner of this identity as far as anybody here knows.
        (string, object?)[] address = [("email", owner.Email), ("email_verified", true)];
        var token = app.TokenOf("google", null, address);
        var added = await (await app.LinkAsync(user, token)).ShouldBeAsync(HttpStatusCode.Created);
        added.Names().ShouldBe(["id", "provider", "email", "created_at"]);
        (await app.UserOfAsync(await app.LogInAsync(app.TokenOf("google", token.Subject, address)))).Id.ShouldBe(user.Id);
        (await app.QueryAsync(db => db.Users.SingleAsync(u => u.Id == user.Id))).Email.ShouldBe(user.Email);
        await app.MailAsync(user.Email, "Logging in with Google was added");
        (await app.QueryAsync(db => db.SecurityEvents.CountAsync(
            e => e.UserId == user.Id && e.Kind == SecurityEventKind.IdentityAdded))).ShouldBe(1);
    }

    [Fact]
    public async Task An_identity_belongs_to_one_account()
    {
        var (first, second, subject) = (await app.CreateUserAsync(), await app.CreateUserAsync(), $"{Guid.NewGuid():N}");
        var both = await Task.WhenAll(
            app.LinkAsync(first, app.TokenOf("apple", subject)), app.LinkAsync(second, app.TokenOf("apple", subject)));
        both.Select(a => a.StatusCode).Order().ShouldBe([HttpStatusCode.Created, HttpStatusCode.Conflict]);
        foreach (var user in new[] { first, second })
        {
            (await (await app.LinkAsync(user, app.TokenOf("apple", subject))).ShouldBeProblemAsync(HttpStatusCode.Conflict))
                .GetProperty("code").GetString().ShouldBe("identity_taken");
        }
        // The same subject elsewhere is somebody else.
        await (await app.LinkAsync(second, app.TokenOf("company", subject))).ShouldBeAsync(HttpStatusCode.Created);
    }

    [Fact]
    public async Task A_session_that_ends_meanwhile_leaves_no_identity_behind()
    {
        var (user, token) = (await app.CreateUserAsync(), app.TokenOf("google"));
        var answer = await app.EndedMeanwhileAsync(user, client => client.PostAsJsonAsync(
            "/me/identities", new { provider = token.Provider, id_token = token.Token, nonce = token.Nonce }, Cancellation));
        await answer.ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        (await app.QueryAsync(db => db.Identities.AnyAsync(i => i.UserId == user.Id))).ShouldBeFalse();
    }

    [Fact]
    public async Task What_does_not_log_in_does_not_link()
    {
        var (user, token) = (await app.CreateUserAsync(), app.TokenOf("google"));
        (await (await app.LinkAsync(user, token with { Nonce = "another" })).ShouldBeProblemAsync(HttpStatusCode.BadRequest))
            .GetProperty("code").GetString().ShouldBe("id_token_refused");
        await (await app.LinkAsync(user, token with { Provider = "off" })).ShouldRefuseFieldsAsync("provider");
        await (await app.LinkAsync(user, token with { Token = "a" })).ShouldRefuseFieldsAsync("id_token");
        await (await app.Client.PostAsJsonAsync(
            "/me/identities", new { provider = "google", id_token = token.Token, nonce = token.Nonce }, Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        await (await app.LinkAsync(user, token)).ShouldBeAsync(HttpStatusCode.Created);
        await (await app.LinkAsync(user, token)).ShouldRefuseFieldsAsync("id_token");
    }

    [Fact]
    public async Task A_guest_has_a_way_in_from_then_on_and_nobody_has_too_many()
    {
        var user = await app.CreateUserAsync();
        await app.QueryAsync(db => db.Users.Where(u => u.Id == user.Id)
            .ExecuteUpdateAsync(u => u.SetProperty(x => x.GuestSince, app.Clock.GetUtcNow().UtcDateTime)));
        for (var i = 0; i < Identity.MostPerUser; i++)
            await (await app.LinkAsync(user, app.TokenOf("company"))).ShouldBeAsync(HttpStatusCode.Created);
        (await app.QueryAsync(db => db.Users.SingleAsync(u => u.Id == user.Id))).GuestSince.ShouldBeNull();
        (await (await app.LinkAsync(user, app.TokenOf("company"))).ShouldBeProblemAsync(HttpStatusCode.Conflict))
            .GetProperty("code").GetString().ShouldBe("too_many_identities");
    }
}
