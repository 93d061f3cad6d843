using System.Net;
using System.Net.Http.Json;
using Microsoft.EntityFrameworkCore;
using Profiles.Tests.Infrastructure.Limits;
using static Profiles.Tests.Infrastructure.Accounts.LoginGuardTests;

namespace Profiles.Tests.Infrastructure.SecondFactors;

/// <summary>A thief who knows the password does not guess the code, however many logins are begun.</summary>
public sealed class GuessedCodeTests(UserLimitsFixture app) : TestBase<UserLimitsFixture>
{
    static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    [Fact]
    public async Task Codes_of_one_account_are_limited_over_all_its_logins_and_a_right_one_beyond_it_is_refused()
    {
        var (enrolled, neighbour) = (await app.CreateEnrolledAsync(), await app.CreateEnrolledAsync());
        var statuses = new List<HttpStatusCode>();
        for (var i = 0; i < UserLimitsFixture.Codes; i++)
        {
            statuses.Add((await app.SendCodeAsync(await app.MfaTokenAsync(enrolled.User), app.WrongCode(enrolled))).StatusCode);
        }
        statuses.ShouldAllBe(s => s == HttpStatusCode.Unauthorized);
        await ShouldWaitAsync(await app.SendCodeAsync(await app.MfaTokenAsync(enrolled.User), app.WrongCode(enrolled)), Hour);
        await ShouldWaitAsync(await app.SendCodeAsync(await app.MfaTokenAsync(enrolled.User), await app.CodeAsync(enrolled)), Hour);
        // The page of deletion has the same limit.
        var form = new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["email"] = enrolled.User.Email,
            ["password"] = enrolled.User.Password,
            ["code"] = await app.CodeAsync(enrolled),
        });
        (await app.Client.PostAsync("/account/deletion", form, Cancellation)).StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        // The owner still gets in, and others are not affected.
        await (await app.Client.PostAsJsonAsync("/login/mfa",
            new { mfa_token = await app.MfaTokenAsync(enrolled.User), recovery_code = enrolled.RecoveryCodes[0] }, Cancellation))
            .ShouldBeAsync(HttpStatusCode.OK);
        await app.LogInAsync(neighbour);
    }

    [Fact]
    public async Task Concurrent_guesses_are_limited_like_sequential_ones()
    {
        var enrolled = await app.CreateEnrolledAsync();
        var tokens = new List<string>();
        for (var i = 0; i < 20; i++)
            tokens.Add(await app.MfaTokenAsync(enrolled.User));
        var answers = await Task.WhenAll(tokens.Select(t => app.SendCodeAsync(t, app.WrongCode(enrolled))));
        answers.Count(a => a.StatusCode == HttpStatusCode.Unauthorized).ShouldBe(UserLimitsFixture.Codes);
        answers.Count(a => a.StatusCode == HttpStatusCode.TooManyRequests).ShouldBe(20 - UserLimitsFixture.Codes);
    }

    [Fact]
    public async Task A_right_code_starts_the_count_again()
    {
        var enrolled = await app.CreateEnrolledAsync();
        for (var round = 0; round < 3; round++)
        {
            for (var i = 0; i < UserLimitsFixture.Codes - 1; i++)
            {
                await (await app.SendCodeAsync(await app.MfaTokenAsync(enrolled.User), app.WrongCode(enrolled)))
                    .ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
            }
            await app.LogInAsync(enrolled);
        }
    }

    [Fact]
    public async Task Codes_that_confirm_are_limited_too()
    {
        var user = await app.CreateUserAsync();
        using var client = app.ClientFor(user);
        var added = await (await client.PostAsync("/me/mfa/totp", null, Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        var enrolled = new EnrolledUser(user, added.GetProperty("secret").GetString()!, []);
        for (var i = 0; i < UserLimitsFixture.Codes; i++)
            await (await ConfirmAsync(app.WrongCode(enrolled))).ShouldBeProblemAsync(HttpStatusCode.Forbidden);
        await ShouldWaitAsync(await ConfirmAsync(await app.CodeAsync(enrolled)), Hour);
        (await app.QueryAsync(db => db.RecoveryCodes.CountAsync(c => c.UserId == user.Id))).ShouldBe(0);

        Task<HttpResponseMessage> ConfirmAsync(string code) =>
            client.PostAsJsonAsync("/me/mfa/totp/confirm", new { code }, Cancellation);
    }
}
