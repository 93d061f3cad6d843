using System.Net;
using System.Net.Http.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Limits;
using Profiles.Tests.Infrastructure.Tokens;
using static Profiles.Tests.Infrastructure.Accounts.LoginGuardTests;

namespace Profiles.Tests.Infrastructure.Limits;

/// <summary>Anonymous routes are open to all, but not without end.</summary>
[Collection(nameof(MovedClock))]
public sealed class RouteLimitsTests(LimitsFixture app, OtherInstanceFixture other, MovedLimitsFixture moved) : TestBase<LimitsFixture>, IClassFixture<OtherInstanceFixture>, IClassFixture<MovedLimitsFixture>
{
    static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    [Fact]
    public async Task One_address_registers_so_many_in_an_hour_on_all_instances_together()
    {
        var here = Fresh();
        for (var i = 0; i < LimitsFixture.Registrations; i++)
            await (await RegisterAsync(here, i % 2 == 0 ? app : other)).ShouldBeAsync(HttpStatusCode.Created);
        var users = await CountAsync();
        foreach (var instance in new[] { app, other })
            await ShouldWaitAsync(await RegisterAsync(here, instance), Hour);
        (await CountAsync()).ShouldBe(users);
        await (await RegisterAsync(Fresh())).ShouldBeAsync(HttpStatusCode.Created);

        Task<int> CountAsync() => app.QueryAsync(db => db.Users.CountAsync(u => u.Email.StartsWith("limited-" + here)));
    }

    [Fact]
    public async Task Of_those_that_come_at_once_no_more_are_let_through()
    {
        var here = Fresh();
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => RegisterAsync(here, i % 2 == 0 ? app : other)));
        answers.Count(a => a.StatusCode == HttpStatusCode.Created).ShouldBe(LimitsFixture.Registrations);
        answers.Count(a => a.StatusCode == HttpStatusCode.TooManyRequests).ShouldBe(20 - LimitsFixture.Registrations);
    }

    [Fact]
    public async Task An_hour_later_it_may_again()
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
    public async Task A_flood_of_what_is_refused_does_not_reach_the_database()
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
    public async Task What_is_allowed_often_is_taken_in_portions_and_never_too_much()
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
    public async Task Of_portions_that_are_taken_all_at_once_most_are_used_and_never_too_many()
    {
        var key = LimitKey.Of("portions", Guid.NewGuid().ToString());
        var allowed = 0;
        // As many as wait for a file without missing their deadline.
        await Parallel.ForEachAsync(Enumerable.Range(0, 700), new ParallelOptions { MaxDegreeOfParallelism = 50, CancellationToken = Cancellation }, async (_, ct) =>
        {
            using var scope = app.Services.CreateScope();
            if (await scope.ServiceProvider.GetRequiredService<LimitCounters>().TakeAsync(key, 600, Hour, ct) is null)
                Interlocked.Increment(ref allowed);
        });
        // One who was refused may have come a moment before another put down what it had not used.
        allowed.ShouldBeInRange(400, 600);
    }

    [Fact]
    public async Task What_is_only_answered_again_is_not_counted()
    {
        var (here, email) = (Fresh(), $"{Guid.NewGuid():N}@example.com");
        for (var i = 0; i < LimitsFixture.Registrations + 5; i++)
        {
            var message = ClientAddresses.From(here, HttpMethod.Post, "/register", JsonContent.Create(new { name = "John", email, password = "correct horse battery staple" }));
            message.Headers.Add("Idempotency-Key", here);
            await (await app.Client.SendAsync(message, Cancellation)).ShouldBeAsync(HttpStatusCode.Created);
        }
        for (var i = 1; i < LimitsFixture.Registrations; i++)
            await (await RegisterAsync(here)).ShouldBeAsync(HttpStatusCode.Created);
        await ShouldWaitAsync(await RegisterAsync(here), Hour);
    }

    [Fact]
    public async Task A_slice_limits_what_a_request_names()
    {
        using var scope = app.Services.CreateScope();
        var limits = scope.ServiceProvider.GetRequiredService<RouteLimits>();
        var email = $"{Guid.NewGuid():N}@example.com";
        // The fixture's number is high: what counts here is the limit itself.
        await limits.TakeAsync(Limit.MailsToOne, email, Cancellation);
        var counters = scope.ServiceProvider.GetRequiredService<LimitCounters>();
        var key = LimitKey.Of("few", email);
        (await counters.TakeAsync(key, 1, Hour, Cancellation)).ShouldBeNull();
        (await counters.TakeAsync(key, 1, Hour, Cancellation))!.Value.ShouldBeInRange(TimeSpan.FromMinutes(59), Hour);
        ExceptionHandler.Seconds(TimeSpan.FromMilliseconds(1)).ShouldBe("1");
    }

    static HttpRequestMessage Registration(string address) => ClientAddresses.From(
        address, HttpMethod.Post, "/register", JsonContent.Create(new { name = "John", email = $"limited-{address}-{Guid.NewGuid():N}@example.com", password = "correct horse battery staple" }));

    Task<HttpResponseMessage> RegisterAsync(string address, LimitsFixture? instance = null) => (instance ?? app).Client.SendAsync(Registration(address), Cancellation);
}

/// <summary>What an instance remembers is bounded.</summary>
public sealed class LimitMemoryTests
{
    static readonly DateTime Start = new(2026, 11, 21, 12, 0, 0, DateTimeKind.Utc);

    [Fact]
    public void A_hundred_thousand_keys_take_no_more_room_than_ten_thousand()
    {
        var memory = new LimitCache();
        for (var i = 0; i < 200_000; i++)
            memory.Refuse(LimitKey.Of("flood", $"{i}"), Start.AddHours(1), Start);
        memory.Count.ShouldBe(LimitCache.Capacity);

        // When their time is over there is room for others.
        var later = Start.AddHours(2);
        memory.RefusedUntil(LimitKey.Of("flood", "0"), later).ShouldBeNull();
        memory.Refuse(LimitKey.Of("another"), later.AddHours(1), later);
        memory.RefusedUntil(LimitKey.Of("another"), later).ShouldBe(later.AddHours(1));
        memory.Count.ShouldBe(1);
    }

    [Fact]
    public void What_was_taken_in_advance_is_used_once_however_many_ask()
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
    public void Keys_are_told_apart_by_every_part()
    {
        string[] hashes = [.. new[] { LimitKey.Of("a", "b", "c"), LimitKey.Of("a", "b\n1:c"), LimitKey.Of("a\n1:b", "c", ""), LimitKey.Of("a", "bc"), LimitKey.Of("a", "", "bc") }.Select(k => Convert.ToHexString(k.Hash))];
        hashes.Distinct().Count().ShouldBe(hashes.Length);
    }
}
