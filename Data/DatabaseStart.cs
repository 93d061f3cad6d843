namespace Profiles.Data;

/// <summary>Loads from the database what the service needs before its first request.</summary>
interface IStartupLoader
{
    /// <summary>Called when the database is migrated and before any request uses it.</summary>
    Task LoadAsync(IServiceProvider scope, CancellationToken ct);
}

/// <summary>
/// Migrates the database and runs each <see cref="IStartupLoader"/>: at the start or, when the database is unavailable then, as soon as it
/// is available. Until then requests that need it are answered 503.
/// </summary>
sealed class DatabaseStart(
    DatabaseEngine engine, IEnumerable<IStartupLoader> loaders, IServiceScopeFactory scopes, TimeProvider clock,
    IHostApplicationLifetime lifetime, ILogger<DatabaseStart> log)
    : BackgroundService
{
    static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    readonly TaskCompletionSource ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when the database can be used.</summary>
    public Task Ready => ready.Task;

    /// <summary>Why the service stopped: the database turned out to be unusable while it served.</summary>
    public DatabaseUnusableException? Failure { get; private set; }

    /// <summary>The first attempt. Throws <see cref="DatabaseUnusableException"/> when waiting would not help.</summary>
    public async Task TryAsync()
    {
        try
        {
            await PrepareAsync(CancellationToken.None);
        }
        catch (Exception e) when (engine.MayBeUnavailable && DatabaseErrors.MayRecover(e))
        {
            log.LogWarning("The database is unavailable; requests that need it are answered 503 until it is back: {Reason}", e.Message);
        }
        catch (Exception e) when (e is not DatabaseUnusableException && Unusable(e) is { } unusable)
        {
            throw unusable;
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (!Ready.IsCompleted)
                await TryAgainAsync(stoppingToken);
            await engine.WatchAsync(stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The service stops; the framework reports this as an error when it happens before the server listens.
        }
        catch (Exception e) when (Unusable(e) is { } unusable)
        {
            log.LogCritical("The service stops: {Reason}", unusable.Message);
            Failure = unusable;
            // The framework reports a stop before the server listens as an error.
            lifetime.ApplicationStarted.Register(lifetime.StopApplication);
        }
    }

    async Task TryAgainAsync(CancellationToken ct)
    {
        await Task.Delay(Pause, clock, ct);
        try
        {
            await PrepareAsync(ct);
            log.LogInformation("The database is available.");
        }
        catch (Exception e) when (DatabaseErrors.IsUnavailable(e))
        {
            log.LogDebug(e, "The database is still unavailable; the service tries again in a second.");
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // The database may be repaired while the service runs; an escaping exception would stop the service.
            log.LogError(e, "The database is available but cannot be used; the service tries again in a second.");
        }
    }

    async Task PrepareAsync(CancellationToken ct)
    {
        await engine.MigrateAsync(ct);
        using var scope = scopes.CreateScope();
        foreach (var loader in loaders)
            await loader.LoadAsync(scope.ServiceProvider, ct);
        ready.TrySetResult();
    }

    // The system's message about a file may contain the path.
    static DatabaseUnusableException? Unusable(Exception e) => e as DatabaseUnusableException
        ?? (DatabaseErrors.Sentence(e) is null && e is not (IOException or UnauthorizedAccessException) ? null
            : new("The database cannot be used (ConnectionStrings__Profiles, or profiles.db in DataDirectory): "
                + (DatabaseErrors.Sentence(e) ?? "it cannot be read and written.")));
}
