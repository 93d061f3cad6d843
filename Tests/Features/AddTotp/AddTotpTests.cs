using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;

namespace Profiles.Tests.Features.AddTotp;

public sealed class AddTotpTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    [Fact]
    public async Task The_secret_and_its_address_name_the_product_and_the_account()
    {
        var user = await app.CreateUserAsync();
        var added = await AddAsync(user);
        added.Names().ShouldBe(["secret", "uri"]);
        var (secret, uri) = (added.GetProperty("secret").GetString()!, new Uri(added.GetProperty("uri").GetString()!));
        secret.ShouldMatch("^[A-Z2-7]{32}$");
        (uri.Scheme, uri.Host).ShouldBe(("otpauth", "totp"));
        Uri.UnescapeDataString(uri.AbsolutePath).ShouldBe($"/{ProfilesFixture.ProductName}:{user.Email}");
        var query = System.Web.HttpUtility.ParseQueryString(uri.Query);
        (query["secret"], query["issuer"]).ShouldBe((secret, ProfilesFixture.ProductName));
        (query["algorithm"] ?? "SHA1", query["digits"] ?? "6", query["period"] ?? "30").ShouldBe(("SHA1", "6", "30"));
    }

    [Fact]
    public async Task Until_it_is_confirmed_logins_take_no_code_and_another_secret_replaces_it()
    {
        var user = await app.CreateUserAsync();
        var (first, second) = (await AddAsync(user), await AddAsync(user));
        var (old, current) = (first.GetProperty("secret").GetString()!, second.GetProperty("secret").GetString()!);
        old.ShouldNotBe(current);
        await app.LogInAsync(user);
        using var client = app.ClientFor(user);
        await (await client.PostAsJsonAsync("/me/mfa/totp/confirm", new { code = Authenticator.Code(old, app.Clock.GetUtcNow()) },
            Cancellation)).ShouldBeProblemAsync(HttpStatusCode.Forbidden);
        await (await client.PostAsJsonAsync("/me/mfa/totp/confirm", new { code = Authenticator.Code(current, app.Clock.GetUtcNow()) },
            Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_confirmed_one_is_not_replaced()
    {
        var enrolled = await app.CreateEnrolledAsync();
        using var client = app.ClientFor(enrolled.User);
        var refusal = await (await client.PostAsync("/me/mfa/totp", null, Cancellation)).ShouldBeProblemAsync(HttpStatusCode.Conflict);
        refusal.GetProperty("code").GetString().ShouldBe("mfa_enabled");
        await app.LogInAsync(enrolled);
    }

    [Fact]
    public async Task Of_several_at_once_one_secret_remains()
    {
        var user = await app.CreateUserAsync();
        var secrets = await Task.WhenAll(Enumerable.Range(0, 10).Select(async _ =>
            (await AddAsync(user)).GetProperty("secret").GetString()!));
        using var client = app.ClientFor(user);
        var answers = new List<HttpStatusCode>();
        foreach (var secret in secrets)
        {
            answers.Add((await client.PostAsJsonAsync("/me/mfa/totp/confirm",
                new { code = Authenticator.Code(secret, app.Clock.GetUtcNow()) }, Cancellation)).StatusCode);
        }
        answers.Count(a => a == HttpStatusCode.OK).ShouldBe(1);
    }

    [Fact]
    public async Task A_stolen_session_that_logged_in_long_ago_cannot_lock_the_owner_out()
    {
        var user = await app.CreateUserAsync();
        using var client = app.ClientFor(user);
        var pending = (await AddAsync(user)).GetProperty("secret").GetString()!;
        await app.AgeAsync(user, TimeSpan.FromMinutes(11));
        foreach (var answer in new[]
        {
            await client.PostAsync("/me/mfa/totp", null, Cancellation),
            await client.PostAsJsonAsync("/me/mfa/totp/confirm", new { code = Authenticator.Code(pending, app.Clock.GetUtcNow()) },
                Cancellation),
        })
        {
            (await answer.ShouldBeProblemAsync(HttpStatusCode.Unauthorized)).GetProperty("code").GetString()
                .ShouldBe("insufficient_user_authentication");
        }
        (await app.QueryAsync(db => db.SecondFactors.CountAsync(f => f.UserId == user.Id && f.ConfirmedAt != null))).ShouldBe(0);
    }

    [Fact]
    public async Task A_guest_has_nothing_to_protect_yet()
    {
        var user = await app.CreateUserAsync();
        await app.QueryAsync(db => db.Users.Where(u => u.Id == user.Id)
            .ExecuteUpdateAsync(u => u.SetProperty(x => x.GuestSince, DateTime.UnixEpoch)));
        await app.AgeAsync(user, TimeSpan.FromDays(1));
        using var client = app.ClientFor(user);
        var refusal = await (await client.PostAsync("/me/mfa/totp", null, Cancellation)).ShouldBeProblemAsync(HttpStatusCode.Conflict);
        refusal.GetProperty("code").GetString().ShouldBe("way_in_needed");
    }

    async Task<JsonElement> AddAsync(TestUser user)
    {
        using var client = app.ClientFor(user);
        return await (await client.PostAsync("/me/mfa/totp", null, Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
    }
}
