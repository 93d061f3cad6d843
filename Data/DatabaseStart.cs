namespace Profiles.Data;

/// <summary>Reads from the database what the service needs before its first request.</summary>
interface IStartupLoader
{
    /// <summary>The database is up to date, and no request is served from it yet.</summary>
    Task LoadAsync(ProfilesDbContext db, CancellationToken ct);
}

/// <summary>
/// Brings the database up to date and lets each <see cref="IStartupLoader"/> read: at the start, or, where the database is away then, as
/// soon as it is there. Until then requests that need it are answered 503.
/// </summary>
sealed class DatabaseStart(
    DatabaseEngine engine, IEnumerable<IStartupLoader> readers, IServiceScopeFactory scopes, TimeProvider clock,
    ILogger<DatabaseStart> log)
    : BackgroundService
{
    static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    readonly TaskCompletionSource ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends when the database can be used.</summary>
    public Task Ready => ready.Task;

    /// <summary>The first attempt. Throws <see cref="DatabaseUnusableException"/> when waiting would not help.</summary>
    public async Task TryAsync()
    {
        try
        {
            await PrepareAsync(CancellationToken.None);
        }
        catch (Exception e) when (engine.MayBeUnavailable && DatabaseErrors.MayRecover(e))
        {
            log.LogWarning("The database is away; requests that need it are answered 503 until it is there: {Reason}", e.Message);
        }
        catch (Exception e) when (DatabaseErrors.Sentence(e) is not null || e is IOException or UnauthorizedAccessException)
        {
            // Of a file, the system's sentence may have the path.
            throw new DatabaseUnusableException($"The database cannot be used (ConnectionStrings__Profiles, or profiles.db in DataDirectory): {DatabaseErrors.Sentence(e) ?? "it cannot be read and written."}");
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
            // The service ends; the framework would call that a fault when it ends before it listens.
        }
    }

    async Task TryAgainAsync(CancellationToken ct)
    {
        await Task.Delay(Pause, clock, ct);
        try
        {
            await PrepareAsync(ct);
            log.LogInformation("The database is there.");
        }
        catch (Exception e) when (DatabaseErrors.IsUnavailable(e))
        {
            log.LogDebug(e, "The database is still away.");
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // Whatever it is, somebody may repair it; the framework would end the service.
            log.LogError(e, "The database is there and cannot be used.");
        }
    }

    async Task PrepareAsync(CancellationToken ct)
    {
        await engine.MigrateAsync(ct);
        using var scope = scopes.CreateScope();
        foreach (var reader in readers)
            await reader.LoadAsync(scope.ServiceProvider.GetRequiredService<ProfilesDbContext>(), ct);
        ready.TrySetResult();
    }
}
