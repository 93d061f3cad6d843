using System.Text.Json;
using System.Text.Json.Serialization;
using Profiles.Data;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Tokens;

/// <summary>Where the ring of signing keys is kept; several processes may use it.</summary>
abstract class KeyRingStore
{
    /// <summary>Names the place in a sentence.</summary>
    public abstract string Place { get; }

    /// <summary>Names the place of the service's own secret, which <see cref="SigningKeys"/> reads.</summary>
    public abstract string SecretPlace { get; }

    /// <summary>Reads the ring as JSON, without EF Core; null when there is none.</summary>
    public abstract Task<string?> ReadAsync(CancellationToken ct);

    /// <summary>
    /// Changes the ring under a lock, so that a second change finds what the first one made. What the scope's context has to save is saved
    /// with it on PostgreSQL, before it on SQLite.
    /// </summary>
    public abstract Task ChangeAsync(IServiceProvider scope, Action<List<RingKey>> change, CancellationToken ct);

    /// <summary>Reads the keys of the JSON. Throws <see cref="StartException"/>.</summary>
    public List<RingKey> Parse(string json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, RingJson.Default.ListRingKey) ?? throw Damaged();
        }
        catch (JsonException)
        {
            throw Damaged();
        }
    }

    public StartException Damaged() => new(
        $"The key ring in {Place} is damaged. Restore it, or delete it and the service's secret ({SecretPlace}) to generate new keys: "
            + "every access token then becomes invalid.");

    protected static string Write(List<RingKey> keys) => JsonSerializer.Serialize(keys, RingJson.Default.ListRingKey);
}

/// <summary>The form of the ring, whose names are also those of the table's columns.</summary>
// Generated, because reflection would cost the start more than the keys do.
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(List<RingKey>))]
sealed partial class RingJson : JsonSerializerContext;
