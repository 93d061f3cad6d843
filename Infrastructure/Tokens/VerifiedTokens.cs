using System.Runtime.Intrinsics;

namespace Profiles.Infrastructure.Tokens;

/// <summary>
/// Remembers tokens whose signature was verified, because that costs more than the rest of a request. Each has one place, by its hash,
/// which the next token of that place takes: it needs no lock, and its size is fixed.
/// </summary>
sealed class VerifiedTokens
{
    /// <summary>About 200 bytes each when all are taken.</summary>
    const int Places = 1 << 15;

    // Made by the first token, since many processes never see one.
    Entry?[]? entries;

    /// <summary>What the token says; null when it is not known.</summary>
    /// <param name="hash">SHA-256 of the whole token: a signature says nothing of another text.</param>
    public AccessToken? Find(ReadOnlySpan<byte> hash) =>
        Volatile.Read(ref entries) is { } all && Volatile.Read(ref all[Place(hash)]) is { } entry && entry.Hash == Vector256.Create(hash)
            ? entry.Token : null;

    public void Add(ReadOnlySpan<byte> hash, AccessToken token)
    {
        var all = Volatile.Read(ref entries);
        if (all is null)
            all = Interlocked.CompareExchange(ref entries, all = new Entry?[Places], null) ?? all;
        Volatile.Write(ref all[Place(hash)], new(Vector256.Create(hash), token));
    }

    static int Place(ReadOnlySpan<byte> hash) => (hash[0] | (hash[1] << 8)) % Places;

    sealed record Entry(Vector256<byte> Hash, AccessToken Token);
}
