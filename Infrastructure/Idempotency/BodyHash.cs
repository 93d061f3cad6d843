using System.Security.Cryptography;
using System.Text;
using Profiles.Infrastructure.Http;

namespace Profiles.Infrastructure.Idempotency;

/// <summary>
/// HMAC-SHA-256 of a request's body, so that a password in it cannot be guessed from the hash. A form's boundary is left out: a client that
/// sends the same image again mostly generates a new one.
/// </summary>
sealed class BodyHash : IDisposable
{
    readonly IncrementalHash hash;
    readonly byte[] boundary;

    // The last bytes, which may be the beginning of a boundary.
    byte[] pending = [];

    public BodyHash(HttpRequest request, byte[] secret)
    {
        hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, secret);
        boundary = Encoding.UTF8.GetBytes(MediaType.Read(request.ContentType)?.Boundary ?? "");
        // The precondition is part of the request.
        hash.AppendData(Encoding.UTF8.GetBytes($"{request.Headers.IfMatch}\n"));
    }

    public void Append(ReadOnlySpan<byte> bytes)
    {
        if (boundary.Length == 0)
        {
            hash.AppendData(bytes);
            return;
        }
        byte[] all = [.. pending, .. bytes];
        var rest = all.AsSpan();
        while (rest.IndexOf(boundary) is >= 0 and var at)
        {
            hash.AppendData(rest[..at]);
            rest = rest[(at + boundary.Length)..];
        }
        var kept = Math.Min(boundary.Length - 1, rest.Length);
        hash.AppendData(rest[..^kept]);
        pending = rest[^kept..].ToArray();
    }

    /// <summary>The hash of all that was appended; call it once.</summary>
    public byte[] Finish()
    {
        hash.AppendData(pending);
        return hash.GetHashAndReset();
    }

    public void Dispose() => hash.Dispose();
}

/// <summary>Hashes a body while it is read.</summary>
sealed class HashedBody(Stream body, BodyHash hash) : ReadOnlyStream
{
    bool isWhole;

    /// <summary>
    /// Whether the body was read to its end, reading what remains of it. Gives up after <paramref name="atMost"/> bytes.
    /// </summary>
    public async Task<bool> ReadToEndAsync(long atMost, CancellationToken ct)
    {
        var buffer = new byte[64 * 1024];
        while (!isWhole && atMost > 0)
            atMost -= await ReadAsync(buffer, ct);
        return isWhole;
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = await body.ReadAsync(buffer, cancellationToken);
        isWhole |= read == 0 && buffer.Length > 0;
        hash.Append(buffer.Span[..read]);
        return read;
    }
}
