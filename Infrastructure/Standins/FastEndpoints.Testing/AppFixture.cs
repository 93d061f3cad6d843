using System.Collections.Concurrent;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace FastEndpoints.Testing;

#pragma warning disable CA1822 // Members of instances in the real package.

/// <summary>What a <see cref="TestBase{TFixture}"/> can be given.</summary>
public abstract class BaseFixture
{
    /// <summary>Cancelled when the run is.</summary>
    public CancellationToken Cancellation => TestContext.Current.CancellationToken;
}

/// <summary>Runs the application in the test process, once for each fixture type.</summary>
public abstract class AppFixture<TProgram> : BaseFixture, IAsyncLifetime where TProgram : class
{
    static readonly ConcurrentDictionary<Type, Lazy<Task<WebApplicationFactory<TProgram>>>> Applications = new();

    WebApplicationFactory<TProgram> application = null!;

    public IServiceProvider Services => application.Services;

    /// <summary>The server in memory.</summary>
    public TestServer Server => application.Server;

    public HttpClient Client { get; set; } = null!;

    protected virtual ValueTask PreSetupAsync() => ValueTask.CompletedTask;

    protected virtual ValueTask SetupAsync() => ValueTask.CompletedTask;

    protected virtual ValueTask TearDownAsync() => ValueTask.CompletedTask;

    protected virtual void ConfigureApp(IWebHostBuilder a) { }

    protected virtual void ConfigureServices(IServiceCollection s) { }

    /// <summary>A client that follows redirects and keeps cookies unless told otherwise.</summary>
    public HttpClient CreateClient(ClientOptions? o = null) =>
        application.CreateClient(new() { AllowAutoRedirect = o?.AllowAutoRedirect ?? true, HandleCookies = o?.HandleCookies ?? true });

    async ValueTask IAsyncLifetime.InitializeAsync()
    {
        application = await Applications.GetOrAdd(GetType(), _ => new(StartAsync)).Value;
        Client = application.CreateClient();
        await SetupAsync();
    }

    // Once for all classes that share the fixture's type, whichever of them comes first.
    async Task<WebApplicationFactory<TProgram>> StartAsync()
    {
        await PreSetupAsync();
        var started = new WebApplicationFactory<TProgram>().WithWebHostBuilder(b =>
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

/// <summary>How a client behaves.</summary>
public sealed class ClientOptions
{
    public bool AllowAutoRedirect { get; set; } = true;

    public bool HandleCookies { get; set; } = true;
}

/// <summary>The base of a test class.</summary>
public abstract class TestBase : IAsyncLifetime
{
    /// <summary>Cancelled when the run is.</summary>
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

/// <summary>The base of a test class that uses a running application.</summary>
public abstract class TestBase<TAppFixture> : TestBase, IClassFixture<TAppFixture> where TAppFixture : BaseFixture;
