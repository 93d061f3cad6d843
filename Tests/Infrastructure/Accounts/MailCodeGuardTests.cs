using System.Net;
using System.Net.Http.Json;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Tests.Features.LoginWithCode;
using Profiles.Tests.Infrastructure.Limits;
using Profiles.Tests.Infrastructure.Tokens;

namespace Profiles.Tests.Infrastructure.Accounts;

/// <summary>Guessing the digits of mails is stopped, across all codes of an address, and the owner still gets in.</summary>
[Collection(nameof(MovedClock))]
public sealed class MailCodeGuardTests(LimitsFixture app, MovedLimitsFixture moved)
    : TestBase<LimitsFixture>, IClassFixture<MovedLimitsFixture>
{
    static readonly TimeSpan Quarter = TimeSpan.FromMinutes(15), Hour = TimeSpan.FromHours(1);

    [Fact]
    public async Task Five_wrong_codes_stop_a_client_whatever_code_it_guesses_at_and_whoever_has_the_address()
    {
        var owner = LoginCodes.Fresh();
        var (guessed, right) = (new[] { await app.CodeAsync(owner), await app.CodeAsync(owner, count: 2) }, await app.CodeAsync(owner, 3));
        var nobody = new LoginCode(LoginCodes.Fresh(), "no token of anybody", "123456");
        var answers = new List<List<(HttpStatusCode, string)>>();
        foreach (var codes in new[] { guessed.Select(c => c.With(c.Wrong)).ToArray(), [nobody, nobody] })
        {
            var (here, told) = (LoginGuardTests.Fresh(), new List<(HttpStatusCode, string)>());
            for (var i = 0; i < 7; i++)
            {
                var answer = await UseAsync(here, codes[i % 2]);
                var body = await answer.ShouldBeProblemAsync(answer.StatusCode);
                told.Add((answer.StatusCode, body.GetProperty("detail").GetString() + string.Join(';', answer.Headers.Select(h => h.Key))));
            }
            if (codes[0].Email == owner)
                await LoginGuardTests.ShouldWaitAsync(await UseAsync(here, right), Quarter);
            answers.Add(told);
        }
        answers[0].Select(a => a.Item1)
            .ShouldBe([.. Enumerable.Repeat(HttpStatusCode.Unauthorized, 5), .. Enumerable.Repeat(HttpStatusCode.TooManyRequests, 2)]);
        answers[1].ShouldBe(answers[0]);
        await (await UseAsync(LoginGuardTests.Fresh(), right)).ShouldBeAsync(HttpStatusCode.OK);
    }

    [Fact]
    public async Task When_many_clients_guess_at_one_address_each_further_one_has_one_try_including_the_owner_s()
    {
        var code = await app.CodeAsync(LoginCodes.Fresh());
        var guess = code with { RequestToken = "no token of anybody" };
        for (var i = 0; i < LimitsFixture.OfAccount; i++)
            await (await UseAsync(LoginGuardTests.Fresh(), guess)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        var here = LoginGuardTests.Fresh();
        await (await UseAsync(here, guess)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        await LoginGuardTests.ShouldWaitAsync(await UseAsync(here, code), Hour);
        await (await UseAsync(LoginGuardTests.Fresh(), code)).ShouldBeAsync(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Concurrent_guesses_are_limited_like_sequential_ones()
    {
        var (code, here) = (await app.CodeAsync(LoginCodes.Fresh()), LoginGuardTests.Fresh());
        var answers = await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => UseAsync(here, code.With(code.Wrong))));
        answers.Count(a => a.StatusCode == HttpStatusCode.Unauthorized).ShouldBe(5);
        answers.Count(a => a.StatusCode == HttpStatusCode.TooManyRequests).ShouldBe(25);
        await (await UseAsync(LoginGuardTests.Fresh(), code)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task A_code_is_refused_after_ten_minutes()
    {
        var (kept, expired) = (await moved.CodeAsync(LoginCodes.Fresh()), await moved.CodeAsync(LoginCodes.Fresh()));
        try
        {
            moved.Clock.Advance(MailCode.Lifetime - TimeSpan.FromMinutes(1));
            await (await moved.UseAsync(kept)).ShouldBeAsync(HttpStatusCode.OK);
            moved.Clock.Advance(TimeSpan.FromMinutes(1));
            await (await moved.UseAsync(expired)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        }
        finally
        {
            moved.Clock.Reset();
        }
    }

    [Fact]
    public async Task Wrong_codes_are_recorded_for_the_owner()
    {
        var (email, here) = (LoginCodes.Fresh(), LoginGuardTests.Fresh());
        await (await UseAsync(here, await app.CodeAsync(email))).ShouldBeAsync(HttpStatusCode.OK);
        var code = await app.CodeAsync(email, count: 2);
        for (var i = 0; i < 3; i++)
            await UseAsync(here, code.With(code.Wrong));
        var failures = 0;
        for (var tries = 0; tries < 500 && failures < 3; tries++)
        {
            await Task.Delay(20, Cancellation);
            failures = await app.QueryAsync(db => db.SecurityEvents.CountAsync(e => e.Kind == SecurityEventKind.LoginFailed
                && db.Users.Any(u => u.Id == e.UserId && u.NormalizedEmail == email)));
        }
        failures.ShouldBe(3);
    }

    Task<HttpResponseMessage> UseAsync(string address, LoginCode code) => app.Client.SendAsync(
        ClientAddresses.From(
            address, HttpMethod.Post, "/login/code/verify",
            JsonContent.Create(new { request_token = code.RequestToken, email = code.Email, code = code.Digits })),
        Cancellation);
}
