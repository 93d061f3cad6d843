using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace Profiles.Infrastructure.Json;

/// <summary>Reads JSON lines (https://jsonlines.org) of files of any size, and of lines of any length, in little memory.</summary>
static class JsonLines
{
    const int BufferBytes = 64 * 1024;

    static readonly SearchValues<byte> Blank = SearchValues.Create(" \t\r"u8);

    /// <summary>Returns the lines that are not blank, with their numbers from 1; null for one of more bytes than the maximum.</summary>
    public static async IAsyncEnumerable<(long Number, byte[]? Line)> ReadAsync(
        Stream input, int maxBytes, [EnumeratorCancellation] CancellationToken ct)
    {
        var reader = PipeReader.Create(input, new(bufferSize: BufferBytes, leaveOpen: true));
        var (number, isTooLong, isLast) = (1L, false, false);
        while (!isLast)
        {
            var read = await reader.ReadAsync(ct);
            var rest = read.Buffer;
            isLast = read.IsCompleted;
            while (rest.PositionOf((byte)'\n') is { } end)
            {
                if (Line(rest.Slice(0, end)) is not [] and var line)
                    yield return (number, line);
                (number, isTooLong, rest) = (number + 1, false, rest.Slice(rest.GetPosition(1, end)));
            }
            if (isLast && Line(rest) is not [] and var last)
                yield return (number, last);
            isTooLong |= rest.Length > maxBytes;
            // What is left of a line that is too long is dropped as it comes.
            reader.AdvanceTo(isTooLong ? rest.End : rest.Start, rest.End);
        }
        await reader.CompleteAsync();

        byte[]? Line(ReadOnlySequence<byte> bytes)
        {
            if (isTooLong || bytes.Length > maxBytes)
                return null;
            var line = bytes.ToArray();
            return line.AsSpan().ContainsAnyExcept(Blank) ? line : [];
        }
    }
}
