using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Profiles.Data;

namespace Profiles.Tests.Features.LoginWithCode;

/// <summary>A guest who proves a mailbox gets its address, and keeps the account.</summary>
public sealed class LoginWithCodeFromGuestTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    [Fact]
    public async Task The_guest_s_account_gets_the_address_and_another_session()
    {
        var (guest, code) = (await app.CreateGuestAsync("Phone"), await app.CodeAsync(LoginCodes.Fresh()));
        using var client = app.ClientFor(guest);
        var begun = await (await UseAsync(client, code, "Jane")).ShouldBeAsync(HttpStatusCode.OK);
        using var other = app.ClientFor(guest with { Token = begun.GetProperty("access_token").GetString()! });
        foreach (var session in new[] { client, other })
        {
            var me = await (await session.GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
            (me.GetProperty("id").GetInt64(), me.GetProperty("name").GetString(), me.GetProperty("email").GetString(),
                me.GetProperty("email_verified").GetBoolean(), me.GetProperty("is_guest").GetBoolean())
                .ShouldBe((guest.Id, "Jane", code.Email, true, false));
        }
        (await app.EventsAsync(guest.Id)).ShouldBe(
        [
            SecurityEventKind.Registered, SecurityEventKind.LoggedIn, SecurityEventKind.EmailChanged, SecurityEventKind.EmailVerified,
            SecurityEventKind.LoggedIn,
        ]);
        // The next code finds the account.
        await (await app.UseAsync(await app.CodeAsync(code.Email, count: 2))).ShouldBeAsync(HttpStatusCode.OK);
        (await app.QueryAsync(db => db.Users.CountAsync(u => u.NormalizedEmail == code.Email))).ShouldBe(1);
    }

    [Fact]
    public async Task An_address_with_an_account_is_refused_and_its_code_still_logs_in()
    {
        var (owner, guest) = (await app.CreateUserAsync(), await app.CreateGuestAsync());
        var code = await app.CodeAsync(owner.Email);
        using var client = app.ClientFor(guest);
        await (await UseAsync(client, code with { Digits = code.Wrong })).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        await (await UseAsync(client, code)).ShouldBeProblemAsync(HttpStatusCode.Conflict, "Email already registered");
        (await app.QueryAsync(db => db.FindUserAsync(guest.Id, Cancellation)))!.Email.ShouldBeNull();
        await (await app.UseAsync(code)).ShouldBeAsync(HttpStatusCode.OK);
    }

    [Fact]
    public async Task It_needs_the_token_of_a_guest_and_spends_no_code_without_one()
    {
        var (full, code) = (await app.CreateUserAsync(), await app.CodeAsync(LoginCodes.Fresh()));
        await (await UseAsync(app.Client, code)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        using var client = app.ClientFor(full);
        (await (await UseAsync(client, code)).ShouldBeProblemAsync(HttpStatusCode.Conflict)).GetProperty("code").GetString()
            .ShouldBe("not_a_guest");
        (await app.QueryAsync(db => db.Users.CountAsync(u => u.NormalizedEmail == code.Email))).ShouldBe(0);
        using var guest = app.ClientFor(await app.CreateGuestAsync());
        await (await UseAsync(guest, code)).ShouldBeAsync(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Of_many_requests_at_once_one_upgrades_the_guest()
    {
        var (guest, code) = (await app.CreateGuestAsync(), await app.CodeAsync(LoginCodes.Fresh()));
        using var client = app.ClientFor(guest);
        var statuses = await Task.WhenAll(Enumerable.Range(0, 4).Select(async _ => (await UseAsync(client, code)).StatusCode));
        statuses.Count(s => s == HttpStatusCode.OK).ShouldBe(1);
        (await app.QueryAsync(db => db.Users.Where(u => u.NormalizedEmail == code.Email).Select(u => u.Id).ToListAsync()))
            .ShouldBe([guest.Id]);
    }

    [Fact]
    public async Task A_guest_that_became_a_full_account_meanwhile_is_told_so_and_the_code_stays_valid()
    {
        var (guest, code) = (await app.CreateGuestAsync(), await app.CodeAsync(LoginCodes.Fresh()));
        using var client = app.ClientFor(guest);
        client.DefaultRequestHeaders.Add("X-Test-Trace", code.Email);
        using var scope = app.Services.CreateScope();
        var db = scope.ServiceProvider.GetRequiredService<ProfilesDbContext>();
        Task<HttpResponseMessage> answer;
        await using (var change = await db.LockUserAsync(guest.Id, Cancellation))
        {
            answer = UseAsync(client, code);
            var patience = Stopwatch.StartNew();
            // By then the account was found to be a guest's.
            while (!app.Services.GetRequiredService<CommandLog>().Of(code.Email)
                .Any(c => c.Text.Replace("\"", "").Contains("normalized_email = @")))
            {
                patience.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(30));
                await Task.Delay(10, Cancellation);
            }
            await db.Users.Where(u => u.Id == guest.Id)
                .ExecuteUpdateAsync(u => u.SetProperty(x => x.GuestSince, (DateTime?)null), Cancellation);
            await change.CommitAsync(Cancellation);
        }
        (await (await answer).ShouldBeProblemAsync(HttpStatusCode.Conflict)).GetProperty("code").GetString().ShouldBe("not_a_guest");
        await (await app.UseAsync(code)).ShouldBeAsync(HttpStatusCode.OK);
    }

    Task<HttpResponseMessage> UseAsync(HttpClient client, LoginCode code, string? name = null) => client.PostAsJsonAsync(
        "/login/code/verify",
        new { request_token = code.RequestToken, email = code.Email, code = code.Digits, name, from_guest = true }, Cancellation);
}
