using System.Text;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Tokens;

/// <summary>The ring as a file in <c>DataDirectory</c>, which commands change beside the service.</summary>
sealed class KeyRingFile(IOptions<ServiceOptions> service, TimeProvider clock) : KeyRingStore
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(10), Pause = TimeSpan.FromMilliseconds(50);

    string Path => service.Value.KeyRingFile;

    public override string Place => "DataDirectory (signing-keys.json)";

    public override string SecretPlace => "signing.key";

    public override async Task<string?> ReadAsync(CancellationToken ct) => File.Exists(Path) ? await File.ReadAllTextAsync(Path, ct) : null;

    public override async Task ChangeAsync(IServiceProvider scope, Action<List<RingKey>> change, CancellationToken ct)
    {
        await using var locked = await LockAsync(Path, clock, ct);
        var before = await ReadAsync(ct);
        var keys = before is null ? [] : Parse(before);
        change(keys);
        if (Write(keys) is var after && after == before)
            return;
        // A database and a file cannot be changed at once, and no rotation is to be unaudited.
        await scope.GetRequiredService<ProfilesDbContext>().SaveChangesAsync(ct);
        PrivateFiles.Replace(Path, Encoding.UTF8.GetBytes(after));
    }

    /// <summary>
    /// Excludes other changes of the ring. The system's lock ends with the process that holds it; the empty file stays.
    /// </summary>
    public static async Task<FileStream> LockAsync(string ring, TimeProvider clock, CancellationToken ct)
    {
        var start = clock.GetTimestamp();
        while (true)
        {
            try
            {
                return PrivateFiles.OpenAlone($"{ring}.lock");
            }
            catch (IOException) when (clock.GetElapsedTime(start) < Patience)
            {
                await Task.Delay(Pause, clock, ct);
            }
        }
    }
}
