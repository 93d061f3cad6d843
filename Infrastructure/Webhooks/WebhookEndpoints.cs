using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Settings;
using Profiles.Infrastructure.Tokens;

namespace Profiles.Infrastructure.Webhooks;

/// <summary>
/// The endpoints that are told what happens: those of the settings, and those made by command, which every instance reads again every few
/// seconds. No request waits for that.
/// </summary>
sealed class WebhookEndpoints(
    DatabaseEngine engine, IOptions<WebhooksOptions> options, IOptions<JwtOptions> jwt, TimeProvider clock, ILogger<WebhookEndpoints> log)
    : BackgroundService, IStartupLoader
{
    static readonly TimeSpan ReloadInterval = TimeSpan.FromSeconds(5);

    volatile IReadOnlyList<WebhookEndpoint> all = [];
    volatile bool isLoaded;
    bool hasPlain;

    /// <summary>With their secrets in plain text.</summary>
    public IReadOnlyList<WebhookEndpoint> All => all;

    /// <summary>Encrypts the secrets of those made by command.</summary>
    public KeyEnvelope Envelope { get; } = new(jwt.Value.KeyEncryptionKey, "webhook secret");

    public WebhookEndpoint? Find(string name) => all.FirstOrDefault(e => e.Name == name);

    /// <summary>Whether the settings make it, and no command changes it.</summary>
    public bool IsOfSettings(string name) => options.Value.Parsed()!.Any(e => e.Name == name);

    /// <summary>Reads all again. Throws <see cref="StartException"/> for a secret that cannot be decrypted.</summary>
    public async Task LoadAsync(CancellationToken ct)
    {
        var made = await engine.ReadAsync(
            "SELECT name, url, events, secret, previous_secret, previous_secret_until FROM webhook_endpoints ORDER BY name", Read, ct);
        var set = options.Value.Parsed()!;
        all = [.. set, .. made.Where(m => set.All(s => s.Name != m.Name))];
        isLoaded = true;
    }

    async Task IStartupLoader.LoadAsync(IServiceProvider scope, CancellationToken ct)
    {
        await LoadAsync(ct);
        if (hasPlain)
            await SealAsync(scope.GetRequiredService<ProfilesDbContext>(), ct);
    }

    // Guarded, since a command may rotate a secret meanwhile.
    async Task SealAsync(ProfilesDbContext db, CancellationToken ct)
    {
        foreach (var row in await db.WebhookEndpoints.AsNoTracking().ToListAsync(ct))
        {
            var (secret, previous) = (Envelope.Sealed(row.Secret), row.PreviousSecret is { } plain ? Envelope.Sealed(plain) : null);
            await db.WebhookEndpoints.Where(e => e.Id == row.Id && e.Secret == row.Secret && e.PreviousSecret == row.PreviousSecret)
                .ExecuteUpdateAsync(e => e.SetProperty(x => x.Secret, secret).SetProperty(x => x.PreviousSecret, previous), ct);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            await Task.Delay(ReloadInterval, clock, stoppingToken);
            // The start loads them, once there is a database.
            if (isLoaded)
                await TryLoadAsync(stoppingToken);
        }
    }

    async Task TryLoadAsync(CancellationToken ct)
    {
        try
        {
            await LoadAsync(ct);
        }
        catch (StartException e)
        {
            log.LogError("The endpoints of webhooks stay as they were: {Reason}", e.Message);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // The database is away; the requests that fail for it log that.
            log.LogDebug(e, "The endpoints of webhooks cannot be read; retries in seconds.");
        }
    }

    string Open(string stored)
    {
        hasPlain |= Envelope.ShouldSeal(stored);
        return Envelope.Open(stored);
    }

    WebhookEndpoint Read(DbDataReader row) => new()
    {
        Name = row.GetString(0),
        Url = row.GetString(1),
        Events = row.GetString(2),
        Secret = Open(row.GetString(3)),
        PreviousSecret = row.IsDBNull(4) ? null : Open(row.GetString(4)),
        PreviousSecretUntil = row.IsDBNull(5) ? null : DateTime.SpecifyKind(row.GetDateTime(5), DateTimeKind.Utc),
        CreatedAt = default,
    };
}
