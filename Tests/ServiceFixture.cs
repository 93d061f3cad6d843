using System.Collections.Concurrent;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.Mvc.Testing.Handlers;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;

namespace Profiles.Tests;

/// <summary>
/// Runs the service in the test process, once for each type of fixture: starting one for each test class would take longer than its tests.
/// </summary>
public abstract class ServiceFixture : IAsyncLifetime
{
    static readonly ConcurrentDictionary<Type, Lazy<Task<WebApplicationFactory<Program>>>> Started = new();

    WebApplicationFactory<Program> service = null!;

    public IServiceProvider Services => service.Services;

    /// <summary>The server in memory.</summary>
    public TestServer Server => service.Server;

    /// <summary>An anonymous client.</summary>
    public HttpClient Client { get; private set; } = null!;

    /// <summary>Follows redirects and keeps cookies by default.</summary>
    public HttpClient CreateClient(WebApplicationFactoryClientOptions? options = null)
    {
        options ??= new();
        return service.CreateDefaultClient(options.BaseAddress,
        [
            .. options.AllowAutoRedirect ? [new RedirectHandler(options.MaxAutomaticRedirections)] : Array.Empty<DelegatingHandler>(),
            .. options.HandleCookies ? [new CookieContainerHandler()] : Array.Empty<DelegatingHandler>(),
            new DocumentedAnswers(),
        ]);
    }

    /// <summary>Runs before the service starts, in the first fixture of its type.</summary>
    protected virtual ValueTask PreSetupAsync() => ValueTask.CompletedTask;

    protected virtual ValueTask SetupAsync() => ValueTask.CompletedTask;

    protected virtual ValueTask TearDownAsync() => ValueTask.CompletedTask;

    protected abstract void ConfigureApp(IWebHostBuilder a);

    protected abstract void ConfigureServices(IServiceCollection s);

    async ValueTask IAsyncLifetime.InitializeAsync()
    {
        service = await Started.GetOrAdd(GetType(), _ => new(StartAsync)).Value;
        Client = CreateClient();
        await SetupAsync();
    }

    async Task<WebApplicationFactory<Program>> StartAsync()
    {
        await PreSetupAsync();
        var started = new WebApplicationFactory<Program>().WithWebHostBuilder(b =>
        {
            b.UseEnvironment("Testing");
            b.ConfigureTestServices(ConfigureServices);
            ConfigureApp(b);
        });
        _ = started.Services;
        return started;
    }

    async ValueTask IAsyncDisposable.DisposeAsync()
    {
        await TearDownAsync();
        Client.Dispose();
        GC.SuppressFinalize(this);
    }
}

/// <summary>A test class that uses a running service.</summary>
public abstract class TestBase<TFixture> : IAsyncLifetime, IClassFixture<TFixture>
    where TFixture : ServiceFixture
{
    /// <summary>Cancelled with the run.</summary>
    public CancellationToken Cancellation => TestContext.Current.CancellationToken;

    protected virtual ValueTask SetupAsync() => ValueTask.CompletedTask;

    protected virtual ValueTask TearDownAsync() => ValueTask.CompletedTask;

    ValueTask IAsyncLifetime.InitializeAsync() => SetupAsync();

    ValueTask IAsyncDisposable.DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return TearDownAsync();
    }
}
