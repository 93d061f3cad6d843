using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Profiles.Infrastructure.Limits;

/// <summary>The key of a limit and of whom it counts. Only its SHA-256 is stored, so that no table or cache lists addresses.</summary>
readonly record struct LimitKey
{
    LimitKey(byte[] hash) => Hash = hash;

    public byte[] Hash { get; }

    /// <summary>Half of the hash, which is enough for this process's cache.</summary>
    public UInt128 Short => BinaryPrimitives.ReadUInt128BigEndian(Hash);

    /// <param name="what">The limit.</param>
    /// <param name="whom">Whom it counts, in parts. Lengths are hashed too: a line break in a part makes no other key.</param>
    public static LimitKey Of(string what, params ReadOnlySpan<string> whom)
    {
        var text = new StringBuilder(what);
        foreach (var part in whom)
            text.Append('\n').Append(part.Length).Append(':').Append(part);
        return new(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }
}
