using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Hosting;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Passwords;

namespace Profiles.Tests.Features.Login;

/// <summary>The service with hashes as costly as in production, so that their time is measurable.</summary>
public sealed class CostlyHashesFixture : ProfilesFixture
{
    public const int WorkFactor = 10;

    protected override void ConfigureApp(IWebHostBuilder a)
    {
        base.ConfigureApp(a);
        a.UseSetting("Passwords:WorkFactor", $"{WorkFactor}");
    }
}

/// <summary>
/// The cost of a login, and who pays it. Alone: hashing gives way to whatever else runs, so beside other tests its times would say little.
/// </summary>
[Collection(nameof(Alone))]
public sealed class LoginCostTests(CostlyHashesFixture app) : TestBase<CostlyHashesFixture>
{
    const string CheapPassword = "naïve café ☕";
    const string CheapHash = "$2b$05$iozof9UnCC2nInWBWmpAaucSPP.jCr4BgomXsicbh6lHbdITcGf6S";

    const string ImportedHash = "$pbkdf2-sha256$i=1000$MDEyMzQ1Njc4OWFiY2RlZg$oFKYuX5T2NaA8ZwoZU2F4c3CPpYKrMG1k9pc++8RtPo";

    [Fact]
    public async Task A_raised_work_factor_is_applied_at_the_next_login()
    {
        var user = await app.CreateUserAsync();
        await StoreHashAsync(user, CheapHash);
        await (await PostAsync(user.Email, CheapPassword)).ShouldBeAsync(HttpStatusCode.OK);

        var raised = await HashOfAsync(user);
        raised.ShouldMatch($@"^\$2[aby]\${WorkFactor}\$");
        await (await PostAsync(user.Email, CheapPassword)).ShouldBeAsync(HttpStatusCode.OK);
        await (await PostAsync(user.Email, user.Password)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        (await HashOfAsync(user)).ShouldBe(raised);
    }

    [Fact]
    public async Task A_wrong_password_does_not_raise_the_work_factor()
    {
        var user = await app.CreateUserAsync();
        await StoreHashAsync(user, CheapHash);
        await (await PostAsync(user.Email, CheapPassword + "X")).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        (await HashOfAsync(user)).ShouldBe(CheapHash);
    }

    [Fact]
    public async Task A_login_succeeds_when_its_hash_cannot_be_raised()
    {
        var user = await app.CreateUserAsync();
        await StoreHashAsync(user, CheapHash);
        await ExecuteAsync(TestDatabase.IsPostgreSql
            ? string.Create(null, $"""
                CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'kept'; END $$;
                CREATE TRIGGER keep BEFORE UPDATE OF password_hash ON users FOR EACH ROW WHEN (OLD.id = {user.Id}) EXECUTE FUNCTION keep()
                """)
            : string.Create(null, $"CREATE TRIGGER keep BEFORE UPDATE OF password_hash ON users WHEN OLD.id = {user.Id} " +
                $"BEGIN SELECT RAISE(FAIL, 'kept'); END"));
        await (await PostAsync(user.Email, CheapPassword)).ShouldBeAsync(HttpStatusCode.OK);
        (await HashOfAsync(user)).ShouldBe(CheapHash);
    }

    [Fact]
    public async Task Response_times_do_not_reveal_which_addresses_are_registered()
    {
        var user = await app.CreateUserAsync();
        var damaged = await app.CreateUserAsync();
        await StoreHashAsync(damaged, "garbage");
        var old = await app.CreateUserAsync();
        await StoreHashAsync(old, CheapHash);
        var imported = await app.CreateUserAsync();
        await StoreHashAsync(imported, ImportedHash);
        var tooLong = new string('a', User.PasswordMaxBytes + 1);
        List<double> wrong = [], unknown = [], broken = [], cut = [], cheap = [], foreign = [];
        for (var i = 0; i < 9; i++)
        {
            wrong.Add(await TimeAsync(user.Email, "wrong password"));
            unknown.Add(await TimeAsync($"nobody-{i}@example.com", "wrong password"));
            broken.Add(await TimeAsync(damaged.Email, "wrong password"));
            cut.Add(await TimeAsync(user.Email, tooLong));
            cheap.Add(await TimeAsync(old.Email, "wrong password"));
            foreign.Add(await TimeAsync(imported.Email, "wrong password"));
        }

        // A skipped hash gives a twentieth or less; values near one are noise.
        foreach (var other in new[] { unknown, broken, cut, cheap, foreign })
            (Median(other) / Median(wrong)).ShouldBeInRange(0.5, 2);
    }

    [Fact]
    public async Task A_flood_of_logins_gets_some_503_and_does_not_hold_up_readers()
    {
        var user = await app.CreateUserAsync();
        using var reader = app.ClientFor(user);
        // Three times the capacity of slots and queue: requests that are served at once make room for others.
        var flood = Enumerable.Range(0, 3 * (Environment.ProcessorCount + PasswordHasher.QueueLimit))
            .Select(i => PostAsync($"nobody-{i}@example.com", "wrong password")).ToArray();

        for (var i = 0; i < 10; i++)
            await (await reader.GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        flood.Count(f => !f.IsCompleted).ShouldBeGreaterThan(10);
        var answers = await Task.WhenAll(flood).WaitAsync(TimeSpan.FromMinutes(1), Cancellation);
        answers.Select(a => a.StatusCode).Distinct().Order().ShouldBe([HttpStatusCode.Unauthorized, HttpStatusCode.ServiceUnavailable]);
        answers.Count(a => a.StatusCode == HttpStatusCode.Unauthorized).ShouldBeGreaterThanOrEqualTo(PasswordHasher.QueueLimit);
        foreach (var refused in answers.Where(a => a.StatusCode == HttpStatusCode.ServiceUnavailable))
        {
            await refused.ShouldBeProblemAsync(HttpStatusCode.ServiceUnavailable);
            refused.Headers.RetryAfter!.Delta!.Value.ShouldBeGreaterThan(TimeSpan.Zero);
        }
        // The flood has ended.
        await (await PostAsync(user.Email, user.Password)).ShouldBeAsync(HttpStatusCode.OK);
    }

    static int WorkFactor => CostlyHashesFixture.WorkFactor;

    static double Median(List<double> times) => times.Order().ElementAt(times.Count / 2);

    async Task<double> TimeAsync(string email, string password)
    {
        var start = Stopwatch.GetTimestamp();
        (await PostAsync(email, password)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    Task<string> HashOfAsync(TestUser user) =>
        app.QueryAsync(db => db.Users.Where(u => u.Id == user.Id).Select(u => u.PasswordHash).SingleAsync());

    Task<int> StoreHashAsync(TestUser user, string hash) =>
        app.QueryAsync(db => db.Users.Where(u => u.Id == user.Id).ExecuteUpdateAsync(s => s.SetProperty(u => u.PasswordHash, hash)));

    Task<int> ExecuteAsync(string sql) => app.QueryAsync(db => db.Database.ExecuteSqlRawAsync(sql));

    Task<HttpResponseMessage> PostAsync(string email, string password) =>
        app.Client.PostAsJsonAsync("/login", new { email, password }, Cancellation);
}
