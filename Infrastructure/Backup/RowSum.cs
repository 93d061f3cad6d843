using System.Security.Cryptography;

namespace Profiles.Infrastructure.Backup;

/// <summary>Counts the rows of a table, and computes the SHA-256 of all of them.</summary>
sealed class RowSum : IDisposable
{
    const int FlushBytes = 64 * 1024;

    readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    readonly RowText text = new();

    public long Rows { get; private set; }

    public void Add(object?[] row)
    {
        text.Add(row);
        Rows++;
        if (text.Lines.Length >= FlushBytes)
            Flush();
    }

    public string Complete()
    {
        Flush();
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    public void Dispose() => hash.Dispose();

    void Flush()
    {
        hash.AppendData(text.Lines.Span);
        text.Clear();
    }
}
