using System.Net;
using System.Net.Http.Json;
using Microsoft.EntityFrameworkCore;
using Profiles.Tests.Infrastructure.Identities;

namespace Profiles.Tests.Features.LoginWithIdToken;

/// <summary>A guest's account gets an identity, and keeps its id.</summary>
public sealed class LoginWithIdTokenFromGuestTests(IdentitiesFixture app) : TestBase<IdentitiesFixture>
{
    readonly string mark = $"{Guid.NewGuid():N}";

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_guest_s_account_gets_the_identity_and_an_address_that_is_verified(bool isVerified)
    {
        var guest = await app.CreateGuestAsync();
        var token = app.TokenOf("google", null, ("email", $"jane.{mark}@gmail.com"), ("email_verified", isVerified), ("name", "Jane Roe"));
        var begun = await (await LogInAsync(guest, token)).ShouldBeAsync(HttpStatusCode.OK);
        using var client = app.ClientFor(guest with { Token = begun.GetProperty("access_token").GetString()! });
        var me = await (await client.GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        (me.GetProperty("id").GetInt64(), me.GetProperty("name").GetString(), me.GetProperty("email").GetString(),
            me.GetProperty("email_verified").GetBoolean(), me.GetProperty("is_guest").GetBoolean())
            .ShouldBe((guest.Id, "Jane Roe", isVerified ? $"jane.{mark}@gmail.com" : null, isVerified, false));
        // The same person finds the account.
        await (await app.LogInAsync(app.TokenOf("google", token.Subject))).ShouldBeAsync(HttpStatusCode.OK);
        (await app.QueryAsync(db => db.Identities.Where(i => i.Subject == token.Subject).Select(i => i.UserId).ToListAsync()))
            .ShouldBe([guest.Id]);
    }

    [Fact]
    public async Task Another_s_identity_or_address_is_refused_and_the_token_is_still_good()
    {
        var (owner, guest) = (await app.CreateVerifiedUserAsync("gmail.com"), await app.CreateGuestAsync());
        var theirs = app.TokenOf("google", null, ("email", owner.Email), ("email_verified", true));
        (await (await LogInAsync(guest, theirs)).ShouldBeProblemAsync(HttpStatusCode.Conflict)).GetProperty("code").GetString()
            .ShouldBe("account_exists");
        (await app.UserOfAsync(await app.LogInAsync(theirs))).Id.ShouldBe(owner.Id);
        (await (await LogInAsync(guest, app.TokenOf("google", theirs.Subject))).ShouldBeProblemAsync(HttpStatusCode.Conflict))
            .GetProperty("code").GetString().ShouldBe("identity_taken");
        var stored = (await app.QueryAsync(db => db.FindUserAsync(guest.Id, Cancellation)))!;
        (stored.Email, stored.GuestSince is null).ShouldBe((null, false));
        (await app.QueryAsync(db => db.Identities.CountAsync(i => i.UserId == guest.Id))).ShouldBe(0);
    }

    [Fact]
    public async Task It_needs_the_token_of_a_guest()
    {
        var (full, token) = (await app.CreateUserAsync(), app.TokenOf("google"));
        await (await LogInAsync(full with { Token = "x" }, token)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        (await (await LogInAsync(full, token)).ShouldBeProblemAsync(HttpStatusCode.Conflict)).GetProperty("code").GetString()
            .ShouldBe("not_a_guest");
        (await app.QueryAsync(db => db.Identities.CountAsync(i => i.Subject == token.Subject))).ShouldBe(0);
    }

    [Fact]
    public async Task Of_two_guests_with_one_identity_at_once_one_gets_it()
    {
        var subject = $"{Guid.NewGuid():N}";
        var guests = new[] { await app.CreateGuestAsync(), await app.CreateGuestAsync() };
        var statuses = await Task.WhenAll(guests.Select(async g => (await LogInAsync(g, app.TokenOf("google", subject))).StatusCode));
        statuses.Order().ShouldBe([HttpStatusCode.OK, HttpStatusCode.Conflict]);
        (await app.QueryAsync(db => db.Identities.CountAsync(i => i.Subject == subject))).ShouldBe(1);
    }

    async Task<HttpResponseMessage> LogInAsync(TestUser user, IdToken token)
    {
        using var client = app.ClientFor(user);
        var body = new { provider = token.Provider, id_token = token.Token, nonce = token.Nonce, from_guest = true };
        return await client.PostAsJsonAsync("/login/id-token", body, Cancellation);
    }
}
