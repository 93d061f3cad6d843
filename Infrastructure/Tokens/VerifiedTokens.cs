using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Profiles.Infrastructure.Tokens;

/// <summary>
/// Remembers tokens whose signature was verified, because that costs as much as the rest of a request. Each has a row of a few places, by
/// its hash, of which the next token of a full row takes one: it needs no lock, and its size is fixed.
/// </summary>
sealed class VerifiedTokens
{
    /// <summary>About 200 bytes each when all are taken.</summary>
    const int Places = 1 << 16;

    // With one place for each hash every fourth of ten thousand tokens would share it with another.
    const int RowLength = 4;

    // Made by the first token, since many processes never see one.
    Entry?[]? entries;

    /// <summary>What the token says; null when it is not known.</summary>
    /// <param name="hash">SHA-256 of the whole token: a signature says nothing of another text.</param>
    public AccessToken? Find(ReadOnlySpan<byte> hash)
    {
        if (Volatile.Read(ref entries) is not { } all)
            return null;
        var wanted = Vector256.Create(hash);
        foreach (ref var place in Row(all, hash))
        {
            if (Volatile.Read(ref place) is { } entry && entry.Hash == wanted)
                return entry.Token;
        }
        return null;
    }

    public void Add(ReadOnlySpan<byte> hash, AccessToken token)
    {
        var row = Row(Volatile.Read(ref entries) ?? Make(), hash);
        var place = row.IndexOf((Entry?)null);
        Volatile.Write(ref row[place < 0 ? hash[^1] % RowLength : place], new(Vector256.Create(hash), token));
    }

    Entry?[] Make()
    {
        var made = new Entry?[Places];
        return Interlocked.CompareExchange(ref entries, made, null) ?? made;
    }

    static Span<Entry?> Row(Entry?[] all, ReadOnlySpan<byte> hash) =>
        all.AsSpan((int)(MemoryMarshal.Read<uint>(hash) % (Places / RowLength)) * RowLength, RowLength);

    sealed class Entry(Vector256<byte> hash, AccessToken token)
    {
        public Vector256<byte> Hash => hash;

        public AccessToken Token => token;
    }
}
