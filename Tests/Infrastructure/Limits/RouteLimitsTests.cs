using System.Net;
using System.Net.Http.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Limits;
using Profiles.Tests.Infrastructure.Tokens;
using static Profiles.Tests.Infrastructure.Accounts.LoginGuardTests;

namespace Profiles.Tests.Infrastructure.Limits;

/// <summary>Limits of the anonymous routes.</summary>
[Collection(nameof(MovedClock))]
public sealed class RouteLimitsTests(LimitsFixture app, OtherInstanceFixture other, MovedLimitsFixture moved)
    : TestBase<LimitsFixture>, IClassFixture<OtherInstanceFixture>, IClassFixture<MovedLimitsFixture>
{
    static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    [Fact]
    public async Task The_hourly_limit_of_registrations_per_address_holds_across_instances()
    {
        var here = Fresh();
        for (var i = 0; i < LimitsFixture.Registrations; i++)
            await (await RegisterAsync(here, i % 2 == 0 ? app : other)).ShouldBeAsync(HttpStatusCode.Created);
        var users = await CountAsync();
        foreach (var instance in new[] { app, other })
            await ShouldWaitAsync(await RegisterAsync(here, instance), Hour);
        (await CountAsync()).ShouldBe(users);
        await (await RegisterAsync(Fresh())).ShouldBeAsync(HttpStatusCode.Created);

        Task<int> CountAsync() => app.QueryAsync(db => db.Users.CountAsync(u => u.Email!.StartsWith("limited-" + here)));
    }

    [Fact]
    public async Task Robots_begin_a_few_guests_from_an_address_and_hinder_no_registration()
    {
        var here = Fresh();
        for (var i = 0; i < LimitsFixture.Guests; i++)
            await (await BeginAsync(i % 2 == 0 ? app : other)).ShouldBeAsync(HttpStatusCode.Created);
        foreach (var instance in new[] { app, other })
            await ShouldWaitAsync(await BeginAsync(instance), Hour);
        await (await RegisterAsync(here)).ShouldBeAsync(HttpStatusCode.Created);

        Task<HttpResponseMessage> BeginAsync(LimitsFixture instance) => instance.Client.SendAsync(
            ClientAddresses.From(here, HttpMethod.Post, "/guests", JsonContent.Create(new { })), Cancellation);
    }

    [Fact]
    public async Task Concurrent_requests_do_not_exceed_the_limit()
    {
        var here = Fresh();
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => RegisterAsync(here, i % 2 == 0 ? app : other)));
        answers.Count(a => a.StatusCode == HttpStatusCode.Created).ShouldBe(LimitsFixture.Registrations);
        answers.Count(a => a.StatusCode == HttpStatusCode.TooManyRequests).ShouldBe(20 - LimitsFixture.Registrations);
    }

    [Fact]
    public async Task An_hour_later_the_address_may_register_again()
    {
        var here = Fresh();
        for (var i = 0; i < LimitsFixture.Registrations; i++)
            await (await RegisterAsync(here, moved)).ShouldBeAsync(HttpStatusCode.Created);
        await ShouldWaitAsync(await RegisterAsync(here, moved), Hour);
        moved.Clock.Advance(Hour);
        try
        {
            await (await RegisterAsync(here, moved)).ShouldBeAsync(HttpStatusCode.Created);
        }
        finally
        {
            moved.Clock.Reset();
        }
    }

    [Fact]
    public async Task A_flood_of_refused_requests_does_not_reach_the_database()
    {
        var here = Fresh();
        for (var i = 0; i <= LimitsFixture.Registrations; i++)
            await RegisterAsync(here);
        for (var i = 0; i < 50; i++)
        {
            var message = Registration(here);
            message.Headers.Add("X-Test-Trace", here);
            await ShouldWaitAsync(await app.Client.SendAsync(message, Cancellation), Hour);
        }
        app.Services.GetRequiredService<CommandLog>().Of(here).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_high_limit_is_counted_in_portions_and_never_exceeded()
    {
        using var scope = app.Services.CreateScope();
        var counters = scope.ServiceProvider.GetRequiredService<LimitCounters>();
        var key = LimitKey.Of("portions", Guid.NewGuid().ToString());
        var allowed = 0;
        for (var i = 0; i < 700; i++)
            allowed += await counters.TakeAsync(key, 600, Hour, Cancellation) is null ? 1 : 0;
        allowed.ShouldBe(600);
        (await app.QueryAsync(db => db.RateLimits.Where(l => l.KeyHash == key.Hash).Select(l => l.Count).SingleAsync())).ShouldBe(612);
    }

    [Fact]
    public async Task Concurrent_portions_are_mostly_used_and_never_exceed_the_limit()
    {
        var key = LimitKey.Of("portions", Guid.NewGuid().ToString());
        var allowed = 0;
        // As many requests as can wait for SQLite's lock within their deadline.
        await Parallel.ForEachAsync(Enumerable.Range(0, 700),
            new ParallelOptions { MaxDegreeOfParallelism = 50, CancellationToken = Cancellation }, async (_, ct) =>
        {
            using var scope = app.Services.CreateScope();
            if (await scope.ServiceProvider.GetRequiredService<LimitCounters>().TakeAsync(key, 600, Hour, ct) is null)
                Interlocked.Increment(ref allowed);
        });
        // A request may be refused just before another one returns the rest of its portion.
        allowed.ShouldBeInRange(400, 600);
    }

    [Fact]
    public async Task A_replayed_answer_is_not_counted()
    {
        var (here, email) = (Fresh(), $"{Guid.NewGuid():N}@example.com");
        for (var i = 0; i < LimitsFixture.Registrations + 5; i++)
        {
            var message = ClientAddresses.From(here, HttpMethod.Post, "/register",
                JsonContent.Create(new { name = "John", email, password = "correct horse battery staple" }));
            message.Headers.Add("Idempotency-Key", here);
            await (await app.Client.SendAsync(message, Cancellation)).ShouldBeAsync(HttpStatusCode.Created);
        }
        for (var i = 1; i < LimitsFixture.Registrations; i++)
            await (await RegisterAsync(here)).ShouldBeAsync(HttpStatusCode.Created);
        await ShouldWaitAsync(await RegisterAsync(here), Hour);
    }

    [Fact]
    public async Task An_endpoint_limits_requests_that_name_the_same_address()
    {
        using var scope = app.Services.CreateScope();
        var limits = scope.ServiceProvider.GetRequiredService<RouteLimits>();
        var email = $"{Guid.NewGuid():N}@example.com";
        // The fixture's limit is high, so this test asks the limit itself.
        await limits.TakeAsync(Limit.MailsToOne, email, Cancellation);
        var counters = scope.ServiceProvider.GetRequiredService<LimitCounters>();
        var key = LimitKey.Of("few", email);
        (await counters.TakeAsync(key, 1, Hour, Cancellation)).ShouldBeNull();
        (await counters.TakeAsync(key, 1, Hour, Cancellation))!.Value.ShouldBeInRange(TimeSpan.FromMinutes(59), Hour);
        ExceptionHandler.Seconds(TimeSpan.FromMilliseconds(1)).ShouldBe("1");
    }

    static HttpRequestMessage Registration(string address)
    {
        var email = $"limited-{address}-{Guid.NewGuid():N}@example.com";
        var body = JsonContent.Create(new { name = "John", email, password = "correct horse battery staple" });
        return ClientAddresses.From(address, HttpMethod.Post, "/register", body);
    }

    Task<HttpResponseMessage> RegisterAsync(string address, LimitsFixture? instance = null) =>
        (instance ?? app).Client.SendAsync(Registration(address), Cancellation);
}

/// <summary>The memory that an instance uses for limits is bounded.</summary>
public sealed class LimitCacheTests
{
    static readonly DateTime Start = new(2026, 11, 21, 12, 0, 0, DateTimeKind.Utc);

    [Fact]
    public void A_hundred_thousand_keys_use_no_more_memory_than_ten_thousand()
    {
        var memory = new LimitCache();
        for (var i = 0; i < 200_000; i++)
            memory.Refuse(LimitKey.Of("flood", $"{i}"), Start.AddHours(1), Start);
        memory.Count.ShouldBe(LimitCache.Capacity);

        // Expired keys make room for others.
        var later = Start.AddHours(2);
        memory.RefusedUntil(LimitKey.Of("flood", "0"), later).ShouldBeNull();
        memory.Refuse(LimitKey.Of("another"), later.AddHours(1), later);
        memory.RefusedUntil(LimitKey.Of("another"), later).ShouldBe(later.AddHours(1));
        memory.Count.ShouldBe(1);
    }

    [Fact]
    public void A_portion_is_used_once_under_concurrent_requests()
    {
        var (memory, key) = (new LimitCache(), LimitKey.Of("portion"));
        memory.Put(key, 100, Start.AddHours(1), Start);
        var used = 0;
        Parallel.For(0, 1000, _ =>
        {
            if (memory.TryUse(key, Start))
                Interlocked.Increment(ref used);
        });
        used.ShouldBe(100);
        memory.RefusedUntil(key, Start).ShouldBeNull();
    }

    [Fact]
    public void Every_part_of_a_key_distinguishes_it()
    {
        string[] hashes =
            [.. new[] { LimitKey.Of("a", "b", "c"), LimitKey.Of("a", "b\n1:c"), LimitKey.Of("a\n1:b", "c", ""), LimitKey.Of("a", "bc"),
                LimitKey.Of("a", "", "bc") }.Select(k => Convert.ToHexString(k.Hash))];
        hashes.Distinct().Count().ShouldBe(hashes.Length);
    }
}
