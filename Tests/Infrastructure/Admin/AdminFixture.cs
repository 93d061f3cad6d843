using System.Globalization;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Profiles.Infrastructure.Admin;

namespace Profiles.Tests.Infrastructure.Admin;

/// <summary>A service with an admin API.</summary>
public class AdminFixture : ProfilesFixture
{
    /// <summary>What a test in one process has in place of a port: without a socket there is none.</summary>
    public const int Port = 9;

    /// <summary>Makes a key as an operator does; by default it may do everything.</summary>
    public async Task<string> CreateKeyAsync(params string[] scopes)
    {
        var made = await this.RunAsync(
            ["admin-keys", "create", NewKeyName(), "--scope", .. scopes.Length > 0 ? scopes : [.. AdminScopes.All]]);
        made.ExitCode.ShouldBe(0, made.Error);
        return made.Output.Trim();
    }

    public static string NewKeyName() => $"key-{Guid.NewGuid():N}";

    /// <summary>A client of the admin API.</summary>
    public HttpClient ClientWith(string? key)
    {
        var client = CreateClient();
        client.DefaultRequestHeaders.Add(RequestPorts.Header, $"{Port}");
        client.DefaultRequestHeaders.Authorization = key is null ? null : new AuthenticationHeaderValue("Bearer", key);
        return client;
    }

    protected override void ConfigureApp(IWebHostBuilder a)
    {
        base.ConfigureApp(a);
        a.UseSetting("Admin:Port", $"{Port}");
    }

    protected override void ConfigureServices(IServiceCollection s)
    {
        base.ConfigureServices(s);
        s.AddSingleton<IStartupFilter, RequestPorts>();
        s.AddSingleton<IStartupFilter, ClientAddresses>();
    }
}

/// <summary>Gives a request in this process the port that it names.</summary>
sealed class RequestPorts : IStartupFilter
{
    public const string Header = "X-Test-Port";

    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        app.Use((context, rest) =>
        {
            if (context.Request.Headers[Header] is [{ } port])
                context.Connection.LocalPort = int.Parse(port, CultureInfo.InvariantCulture);
            return rest(context);
        });
        next(app);
    };
}
