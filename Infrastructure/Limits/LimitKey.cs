using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Profiles.Infrastructure.Limits;

/// <summary>What is limited and whom, as it is kept: SHA-256 of it, so that no table and no memory has a list of addresses.</summary>
readonly record struct LimitKey
{
    LimitKey(byte[] hash) => Hash = hash;

    public byte[] Hash { get; }

    /// <summary>For this process's memory half of it is enough.</summary>
    public UInt128 Short => BinaryPrimitives.ReadUInt128BigEndian(Hash);

    /// <param name="what">What is limited.</param>
    /// <param name="whom">Whom, in parts: a line break in one of them does not make it another's.</param>
    public static LimitKey Of(string what, params ReadOnlySpan<string> whom)
    {
        var text = new StringBuilder(what);
        foreach (var part in whom)
            text.Append('\n').Append(part.Length).Append(':').Append(part);
        return new(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }
}
