using System.Buffers;
using System.Security.Cryptography;
using System.Text.Json;
using Profiles.Data;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Tokens;

/// <summary>The ring as it was read at one time: what signs, what verifies, and what other services are shown.</summary>
sealed class KeySet
{
    /// <summary>The set of a service whose tokens are signed with a key from the settings.</summary>
    public static readonly KeySet None = new([], []);

    readonly KeyPair[] pairs;

    KeySet(IReadOnlyList<RingKey> rows, KeyPair[] pairs)
    {
        (Rows, this.pairs) = (rows, pairs);
        var written = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(written))
        {
            json.WriteStartObject();
            json.WriteStartArray("keys");
            foreach (var pair in pairs)
                pair.WritePublic(json);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        Published = written.WrittenSpan.ToArray();
    }

    public IReadOnlyList<RingKey> Rows { get; }

    /// <summary>The public keys as a JSON Web Key Set (RFC 7517).</summary>
    public byte[] Published { get; }

    /// <summary>Tokens that these keys have signed. The next set starts without any, so that no token outlives its key.</summary>
    public VerifiedTokens Verified { get; } = new();

    /// <summary>The key that signs; null when there is none.</summary>
    public KeyPair? Current { get; private init; }

    /// <summary>When the ring was made, UTC; null when the key that it began with is gone.</summary>
    public DateTime? BornAt { get; private init; }

    /// <summary>Decrypts the keys; throws <see cref="StartException"/> unless they are a whole ring.</summary>
    public static KeySet Of(IReadOnlyList<RingKey> rows, KeyEnvelope envelope, KeyRingStore store)
    {
        if (rows.Count(r => r.IsCurrent) != 1 || rows.Count(r => r.IsNext) != 1)
            throw store.Damaged();
        try
        {
            var pairs = rows.Select(r => new KeyPair(envelope.Open(r.Value, store.Place))).ToArray();
            if (!pairs.Select(p => p.Id).SequenceEqual(rows.Select(r => r.Id)))
                throw store.Damaged();
            return new(rows, pairs)
            {
                Current = pairs.Single(p => p.Id == rows.Single(r => r.IsCurrent).Id),
                // Every other key was the next one first.
                BornAt = rows.FirstOrDefault(r => r.ActivatedAt <= r.CreatedAt)?.CreatedAt,
            };
        }
        catch (Exception e) when (e is CryptographicException or FormatException)
        {
            throw store.Damaged();
        }
    }

    /// <summary>The key that a token's header names; null when it is not in the ring.</summary>
    public KeyPair? Find(ReadOnlySpan<byte> token)
    {
        foreach (var pair in pairs)
        {
            if (token.StartsWith(pair.Header))
                return pair;
        }
        return null;
    }
}
