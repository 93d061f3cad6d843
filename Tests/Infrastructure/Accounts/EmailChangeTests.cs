using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Profiles.Tests.Features.VerifyEmail;

namespace Profiles.Tests.Infrastructure.Accounts;

/// <summary>By default an address changes at once only where a password is all that logs in.</summary>
public sealed class EmailChangeTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    [Theory]
    [InlineData("no password")]
    [InlineData("identity")]
    [InlineData("passkey")]
    [InlineData("second factor")]
    [InlineData("guest")]
    public async Task An_account_with_more_than_a_password_keeps_its_address_until_the_new_one_is_confirmed(string kind)
    {
        var user = await CreateAsync(kind);
        var (old, email) = (kind == "guest" ? null : user.Email, $"new-{Guid.NewGuid():N}@example.com");
        using var client = app.ClientFor(user);
        Shown(await (await client.PutAsJsonAsync("/me", new { email, current_password = user.Password }, Cancellation))
            .ShouldBeAsync(HttpStatusCode.OK)).ShouldBe((old, email, kind == "guest"));
        var token = (await app.MailAsync(email, VerifyEmailTests.Subject)).Token;
        await (await app.Client.PostAsJsonAsync("/email/verify", new { token }, Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        var me = await (await client.GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        Shown(me).ShouldBe((email, null, false));
        me.GetProperty("email_verified").GetBoolean().ShouldBeTrue();
    }

    [Fact]
    public async Task A_second_factor_that_is_not_confirmed_is_none()
    {
        var user = await app.CreateUserAsync();
        using var client = app.ClientFor(user);
        await (await client.PostAsync("/me/mfa/totp", null, Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        var changed = await client.PutAsJsonAsync("/me", new { email = "x" + user.Email, current_password = user.Password }, Cancellation);
        Shown(await changed.ShouldBeAsync(HttpStatusCode.OK)).ShouldBe(("x" + user.Email, null, false));
    }

    async Task<TestUser> CreateAsync(string kind)
    {
        if (kind == "guest")
            return await app.CreateGuestAsync();
        var user = await app.CreateUserAsync();
        using var client = app.ClientFor(user);
        if (kind == "no password")
        {
            await app.QueryAsync(db => db.Users.Where(u => u.Id == user.Id)
                .ExecuteUpdateAsync(u => u.SetProperty(x => x.PasswordHash, ""), Cancellation));
        }
        else if (kind == "identity")
        {
            await app.QueryAsync(db =>
            {
                db.Identities.Add(new() { UserId = user.Id, Provider = "google", Subject = $"{user.Id}", CreatedAt = DateTime.UnixEpoch });
                return db.SaveChangesAsync(Cancellation);
            });
        }
        else if (kind == "passkey")
        {
            using var phone = new SoftAuthenticator();
            await (await phone.RegisterAsync(client)).ShouldBeAsync(HttpStatusCode.Created);
        }
        else
        {
            await app.EnrolAsync(user);
        }
        return user;
    }

    static (string? Email, string? Pending, bool IsGuest) Shown(JsonElement me) => (me.GetProperty("email").GetString(),
        me.GetProperty("pending_email").GetString(), me.GetProperty("is_guest").GetBoolean());
}
