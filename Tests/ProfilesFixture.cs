using System.Buffers.Text;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Data.PostgreSql;
using Profiles.Data.Sqlite;
using Profiles.Infrastructure.Limits;
using Profiles.Infrastructure.Settings;

namespace Profiles.Tests;

/// <summary>A registered user, with the password that a test needs to log in.</summary>
public sealed record TestUser(long Id, string Name, string Email, string Password, string Token, string RefreshToken = "")
{
    /// <summary>The session of the token.</summary>
    public long SessionId
    {
        get
        {
            using var claims = JsonDocument.Parse(Base64Url.DecodeFromChars(Token.Split('.')[1]));
            return claims.RootElement.GetProperty("session_id").GetInt64();
        }
    }
}

/// <summary>
/// Runs the service in the test process: the real pipeline on a real database with the real migrations, in a directory of its own.
/// </summary>
public class ProfilesFixture : ServiceFixture
{
    public const string BaseUrl = "https://profiles.example";

    /// <summary>Contains HTML that a page must escape.</summary>
    public const string ProductName = "Blitz & <Söhne>";

    readonly string root = TemporaryDirectory.Make("tests");

    /// <summary>Holds all files of the service. Fixtures of one type share a service, in the directory of the first.</summary>
    public string Root => Path.GetDirectoryName(Services.GetRequiredService<IOptions<ServiceOptions>>().Value.DataDirectory)!;

    public string ImageDirectory => Path.Combine(Root, "static", "profile");

    public TestClock Clock => (TestClock)Services.GetRequiredService<TimeProvider>();

    /// <summary>Registers a user under a fresh address and logs them in.</summary>
    public async Task<TestUser> CreateUserAsync(string name = "John Doe", string password = "correct horse battery staple")
    {
        var email = $"user-{Guid.NewGuid():N}@example.com";
        var registered = await Client.PostAsJsonAsync("/register", new { name, email, password });
        registered.EnsureSuccessStatusCode();
        var id = (await registered.Content.ReadFromJsonAsync<Dictionary<string, object>>())!["id"].ToString()!;
        return await LogInAsync(new(long.Parse(id), name, email, password, "", ""));
    }

    /// <summary>Begins as a guest, who has no address and no password.</summary>
    public async Task<TestUser> CreateGuestAsync(string? device = null)
    {
        var begun = await (await Client.PostAsJsonAsync("/guests", new { device })).ShouldBeAsync(HttpStatusCode.Created);
        return new(begun.GetProperty("id").GetInt64(), "", "", "", begun.GetProperty("access_token").GetString()!,
            begun.GetProperty("refresh_token").GetString()!);
    }

    /// <summary>Starts another session of a user.</summary>
    public async Task<TestUser> LogInAsync(TestUser user, string? device = null)
    {
        var login = await Client.PostAsJsonAsync("/login", new { email = user.Email, password = user.Password, device });
        login.EnsureSuccessStatusCode();
        var tokens = (await login.Content.ReadFromJsonAsync<Dictionary<string, object>>())!;
        return user with { Token = tokens["access_token"].ToString()!, RefreshToken = tokens["refresh_token"].ToString()! };
    }

    /// <summary>A client that sends a user's token with each request.</summary>
    public HttpClient ClientFor(TestUser user)
    {
        var client = CreateClient(new() { AllowAutoRedirect = false, HandleCookies = false });
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", user.Token);
        return client;
    }

    /// <summary>Runs a query on the database.</summary>
    internal async Task<T> QueryAsync<T>(Func<ProfilesDbContext, Task<T>> query)
    {
        using var scope = Services.CreateScope();
        return await query(scope.ServiceProvider.GetRequiredService<ProfilesDbContext>());
    }

    protected override void ConfigureApp(IWebHostBuilder a)
    {
        a.UseSetting("DataDirectory", Path.Combine(root, "data"));
        if (TestDatabase.For(root) is { } postgreSql)
            a.UseSetting("ConnectionStrings:Profiles", postgreSql);
        a.UseSetting("Images:Directory", Path.Combine(root, "static"));
        a.UseSetting("PublicBaseUrl", BaseUrl);
        a.UseSetting("ProductName", ProductName);
        a.UseSetting("AllowedHosts", "localhost;profiles.example");
        // Keeps the suite from spending its time on hashing.
        a.UseSetting("Passwords:WorkFactor", "4");
        // All clients in this process share one address.
        foreach (var number in typeof(LimitsOptions).GetProperties().Where(p => p.PropertyType == typeof(int)))
            a.UseSetting($"Limits:{number.Name}", $"{LimitsOptions.Most}");
        a.ConfigureLogging(l => l.ClearProviders());
    }

    protected override void ConfigureServices(IServiceCollection s)
    {
        var commands = new CommandLog();
        s.AddSingleton<TimeProvider>(new TestClock());
        s.AddSingleton(commands);
        s.ConfigureDbContext<SqliteProfilesDbContext>(o => o.AddInterceptors(commands));
        s.ConfigureDbContext<PostgreSqlProfilesDbContext>(o => o.AddInterceptors(commands));
    }
}

/// <summary>The time of day, moved by hand; durations stay the system's.</summary>
public sealed class TestClock : TimeProvider
{
    TimeSpan ahead;

    public override DateTimeOffset GetUtcNow() => TimeProvider.System.GetUtcNow() + ahead;

    public void Advance(TimeSpan by) => ahead += by;

    /// <summary>Returns to the system's time: the service that started last dates the tokens of every service in this process.</summary>
    public void Reset() => ahead = TimeSpan.Zero;
}
