using System.Net;
using System.Net.Http.Json;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Tests.Infrastructure.Limits;
using Profiles.Tests.Infrastructure.Tokens;

namespace Profiles.Tests.Infrastructure.Accounts;

/// <summary>Password guessing is stopped, and the owner still logs in.</summary>
[Collection(nameof(MovedClock))]
public sealed class LoginGuardTests(LimitsFixture app, OtherInstanceFixture other, MovedLimitsFixture moved)
    : TestBase<LimitsFixture>, IClassFixture<OtherInstanceFixture>, IClassFixture<MovedLimitsFixture>
{
    static readonly TimeSpan Quarter = TimeSpan.FromMinutes(15), Hour = TimeSpan.FromHours(1);

    static int last;

    [Fact]
    public async Task After_five_wrong_passwords_the_next_is_refused_even_if_it_is_right_and_the_owner_gets_in_from_elsewhere()
    {
        var (user, here) = (await JoinAsync(), Fresh());
        for (var i = 0; i < 5; i++)
            await (await LoginAsync(here, user.Email, $"wrong password {i}")).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);

        foreach (var password in new[] { "wrong password", user.Password })
            await ShouldWaitAsync(await LoginAsync(here, user.Email, password), Quarter);
        await (await LoginAsync(Fresh(), user.Email, user.Password)).ShouldBeAsync(HttpStatusCode.OK);
        // Another account from the same address is not affected.
        var neighbour = await JoinAsync();
        await (await LoginAsync(here, neighbour.Email, neighbour.Password)).ShouldBeAsync(HttpStatusCode.OK);
    }

    [Fact]
    public async Task An_unknown_e_mail_address_is_refused_in_the_same_way()
    {
        var (user, unknown) = (await JoinAsync(), $"nobody-{Guid.NewGuid():N}@example.com");
        var answers = new List<List<(HttpStatusCode, string)>>();
        foreach (var email in new[] { user.Email, unknown })
        {
            var (here, told) = (Fresh(), new List<(HttpStatusCode, string)>());
            for (var i = 0; i < 7; i++)
            {
                var answer = await LoginAsync(here, email, "wrong password");
                var body = await answer.ShouldBeProblemAsync(answer.StatusCode);
                var headers = string.Join(';', answer.Headers.Select(h => h.Key).Order());
                told.Add((answer.StatusCode, body.GetProperty("detail").GetString() + headers));
            }
            answers.Add(told);
        }
        answers[0].Select(a => a.Item1)
            .ShouldBe([.. Enumerable.Repeat(HttpStatusCode.Unauthorized, 5), .. Enumerable.Repeat(HttpStatusCode.TooManyRequests, 2)]);
        answers[1].ShouldBe(answers[0]);
    }

    [Fact]
    public async Task A_wrong_password_in_a_change_of_address_counts_as_a_failed_login()
    {
        var (user, here) = (await JoinAsync(), Fresh());
        var login = await (await LoginAsync(Fresh(), user.Email, user.Password)).ShouldBeAsync(HttpStatusCode.OK);
        for (var i = 0; i < 5; i++)
            await (await ChangeAsync("wrong password")).ShouldBeProblemAsync(HttpStatusCode.Forbidden);
        await ShouldWaitAsync(await ChangeAsync(user.Password), Quarter);
        await ShouldWaitAsync(await LoginAsync(here, user.Email, user.Password), Quarter);

        Task<HttpResponseMessage> ChangeAsync(string password)
        {
            var message = ClientAddresses.From(here, HttpMethod.Put, "/me",
                JsonContent.Create(new { email = "x" + user.Email, current_password = password }));
            message.Headers.Authorization = new("Bearer", login.GetProperty("access_token").GetString());
            return app.Client.SendAsync(message, Cancellation);
        }
    }

    [Fact]
    public async Task A_successful_login_resets_the_failures_before_it()
    {
        var (user, here) = (await JoinAsync(), Fresh());
        for (var round = 0; round < 3; round++)
        {
            for (var i = 0; i < 2; i++)
                await (await LoginAsync(here, user.Email, "wrong password")).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
            await (await LoginAsync(here, user.Email, user.Password)).ShouldBeAsync(HttpStatusCode.OK);
        }
    }

    [Fact]
    public async Task Concurrent_guesses_are_limited_like_sequential_ones()
    {
        var (user, here) = (await JoinAsync(), Fresh());
        var answers = await Task.WhenAll(Enumerable.Range(0, 30).Select(i => LoginAsync(here, user.Email, $"wrong password {i}")));
        answers.Count(a => a.StatusCode == HttpStatusCode.Unauthorized).ShouldBe(5);
        answers.Count(a => a.StatusCode == HttpStatusCode.TooManyRequests).ShouldBe(25);
        await ShouldWaitAsync(await LoginAsync(here, user.Email, user.Password), Quarter);
    }

    [Fact]
    public async Task Many_concurrent_logins_with_the_right_password_succeed_from_one_address()
    {
        var (user, here) = (await JoinAsync(), Fresh());
        var answers = await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => LoginAsync(here, user.Email, user.Password)));
        answers.ShouldAllBe(a => a.StatusCode == HttpStatusCode.OK);
    }

    [Fact]
    public async Task When_many_addresses_guess_at_one_account_each_further_address_has_one_try_including_the_owner_s()
    {
        var user = await JoinAsync();
        var guessers = Enumerable.Range(0, LimitsFixture.OfAccount).Select(_ => Fresh()).ToArray();
        foreach (var guesser in guessers)
            await (await LoginAsync(guesser, user.Email, "wrong password")).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);

        foreach (var guesser in guessers)
            await ShouldWaitAsync(await LoginAsync(guesser, user.Email, user.Password), Hour);
        var late = Fresh();
        await (await LoginAsync(late, user.Email, "wrong password")).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        await ShouldWaitAsync(await LoginAsync(late, user.Email, user.Password), Hour);
        await (await LoginAsync(Fresh(), user.Email, user.Password)).ShouldBeAsync(HttpStatusCode.OK);
    }

    [Fact]
    public async Task An_address_that_tries_one_password_on_many_accounts_is_refused_for_all_accounts()
    {
        var (user, here) = (await JoinAsync(), Fresh());
        for (var i = 0; i < LimitsFixture.OfAddress; i++)
            await (await LoginAsync(here, $"victim-{Guid.NewGuid():N}@example.com", "Summer2026!"))
                .ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        await ShouldWaitAsync(await LoginAsync(here, user.Email, user.Password), Quarter);
    }

    [Fact]
    public async Task The_addresses_of_one_IPv6_network_count_as_one_and_an_IPv4_mapped_address_counts_as_IPv4()
    {
        var user = await JoinAsync();
        for (var i = 1; i <= 5; i++)
            await (await LoginAsync($"2001:db8:77:1::{i}", user.Email, "wrong password")).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        await ShouldWaitAsync(await LoginAsync("2001:db8:77:1:ffff::1", user.Email, user.Password), Quarter);
        await (await LoginAsync("2001:db8:77:2::1", user.Email, user.Password)).ShouldBeAsync(HttpStatusCode.OK);

        var here = Fresh();
        for (var i = 0; i < 5; i++)
            (await LoginAsync(i % 2 == 0 ? here : $"::ffff:{here}", user.Email, "wrong password"))
                .StatusCode.ShouldBe(i < LimitsFixture.OfAccount - 5 ? HttpStatusCode.Unauthorized : HttpStatusCode.TooManyRequests);
    }

    [Fact]
    public async Task Instances_on_one_database_count_together()
    {
        var (user, here) = (await JoinAsync(), Fresh());
        for (var i = 0; i < 5; i++)
            await (await LoginAsync(here, user.Email, "wrong password", i % 2 == 0 ? app : other))
                .ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        foreach (var instance in new[] { app, other })
            await ShouldWaitAsync(await LoginAsync(here, user.Email, user.Password, instance), Quarter);
    }

    [Fact]
    public async Task The_refusal_ends_after_a_quarter_of_an_hour()
    {
        var (user, here) = (await JoinAsync(), Fresh());
        for (var i = 0; i < 5; i++)
            await (await LoginAsync(here, user.Email, "wrong password", moved)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        await ShouldWaitAsync(await LoginAsync(here, user.Email, user.Password, moved), Quarter);
        moved.Clock.Advance(TimeSpan.FromMinutes(14));
        try
        {
            await ShouldWaitAsync(await LoginAsync(here, user.Email, user.Password, moved), TimeSpan.FromMinutes(1));
            moved.Clock.Advance(TimeSpan.FromMinutes(1));
            await (await LoginAsync(here, user.Email, "wrong password", moved)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
            await (await LoginAsync(here, user.Email, user.Password, moved)).ShouldBeAsync(HttpStatusCode.OK);
        }
        finally
        {
            moved.Clock.Reset();
        }
    }

    [Fact]
    public async Task A_forwarded_header_is_ignored_unless_it_comes_from_a_trusted_proxy()
    {
        var (user, here) = (await JoinAsync(), Fresh());
        for (var i = 0; i < 5; i++)
            await (await LoginAsync(here, user.Email, "wrong password", forwarded: Fresh()))
                .ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        await ShouldWaitAsync(await LoginAsync(here, user.Email, user.Password, forwarded: Fresh()), Quarter);

        var (second, client) = (await JoinAsync(), Fresh());
        // The client's own entries come first; the proxies append theirs.
        for (var i = 0; i < 5; i++)
            await (await LoginAsync($"10.1.0.{i}", second.Email, "wrong password", forwarded: $"{Fresh()}, {client}, 192.0.2.1"))
                .ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        await ShouldWaitAsync(await LoginAsync("10.1.0.9", second.Email, second.Password, forwarded: client), Quarter);
        await ShouldWaitAsync(await LoginAsync("2001:db8:ffff::7", second.Email, second.Password, forwarded: client), Quarter);
        await ShouldWaitAsync(await LoginAsync(client, second.Email, second.Password), Quarter);
        await (await LoginAsync("10.1.0.9", second.Email, second.Password, forwarded: Fresh())).ShouldBeAsync(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_failure_is_recorded_for_the_owner_and_a_refusal_writes_nothing()
    {
        var (user, here) = (await JoinAsync(), Fresh());
        for (var i = 0; i < 20; i++)
            await LoginAsync(here, user.Email, "wrong password");
        var events = new List<SecurityEvent>();
        for (var tries = 0; tries < 500 && events.Count < 5; tries++)
        {
            await Task.Delay(20, Cancellation);
            events = await app.QueryAsync(db =>
                db.SecurityEvents.AsNoTracking().Where(e => e.UserId == user.Id && e.Kind == SecurityEventKind.LoginFailed).ToListAsync());
        }
        events.Count.ShouldBe(5);
        var network = $"{here[..here.LastIndexOf('.')]}.0/24";
        events.ShouldAllBe(e => e.Network == network);
    }

    [Fact]
    public async Task A_requested_reset_is_recorded_with_the_network_of_the_request()
    {
        var (user, here) = (await JoinAsync(), Fresh());
        await (await app.Client.SendAsync(
            ClientAddresses.From(here, HttpMethod.Post, "/password/forgot", JsonContent.Create(new { email = user.Email })), Cancellation))
            .ShouldBeAsync(HttpStatusCode.Accepted);
        SecurityEvent? requested = null;
        for (var tries = 0; tries < 500 && requested is null; tries++)
        {
            await Task.Delay(20, Cancellation);
            requested = await app.QueryAsync(db => db.SecurityEvents.AsNoTracking()
                .SingleOrDefaultAsync(e => e.UserId == user.Id && e.Kind == SecurityEventKind.PasswordResetRequested));
        }
        requested!.Network.ShouldBe($"{here[..here.LastIndexOf('.')]}.0/24");
    }

    [Fact]
    public async Task Stored_rate_limits_name_neither_an_account_nor_an_address()
    {
        var (user, here) = (await JoinAsync(), Fresh());
        await LoginAsync(here, user.Email, "wrong password");
        var rows = await app.QueryAsync(db => db.RateLimits.AsNoTracking().ToListAsync());
        rows.Count.ShouldBeGreaterThanOrEqualTo(4);
        rows.ShouldAllBe(r => r.KeyHash.Length == Session.HashLength);
    }

    internal static string Fresh()
    {
        var number = Interlocked.Increment(ref last);
        return $"203.{number / 65536}.{number / 256 % 256}.{number % 256}";
    }

    async Task<TestUser> JoinAsync()
    {
        var (email, password) = ($"user-{Guid.NewGuid():N}@example.com", "correct horse battery staple");
        var registration = JsonContent.Create(new { name = "John", email, password });
        var answer = await app.Client.SendAsync(ClientAddresses.From(Fresh(), HttpMethod.Post, "/register", registration), Cancellation);
        return new((await answer.ShouldBeAsync(HttpStatusCode.Created)).GetProperty("id").GetInt64(), "John", email, password, "");
    }

    Task<HttpResponseMessage> LoginAsync(
        string address, string email, string password, LimitsFixture? instance = null, string? forwarded = null)
    {
        var message = ClientAddresses.From(address, HttpMethod.Post, "/login", JsonContent.Create(new { email, password }));
        if (forwarded is not null)
            message.Headers.Add("X-Forwarded-For", forwarded);
        return (instance ?? app).Client.SendAsync(message, Cancellation);
    }

    internal static async Task ShouldWaitAsync(HttpResponseMessage answer, TimeSpan atMost)
    {
        await answer.ShouldBeProblemAsync(HttpStatusCode.TooManyRequests);
        answer.Headers.RetryAfter!.Delta!.Value.ShouldBeInRange(atMost - TimeSpan.FromMinutes(1), atMost + TimeSpan.FromSeconds(1));
    }
}
