using System.Text;
using Profiles.Infrastructure.Json;

namespace Profiles.Tests.Infrastructure.Json;

/// <summary>Lines as files have them.</summary>
[Trait("Database", "Sqlite")]
public sealed class JsonLinesTests
{
    [Fact]
    public async Task Lines_keep_their_numbers_through_blank_ones_and_every_line_end()
    {
        using var text = new MemoryStream(Encoding.UTF8.GetBytes("{1}\r\n\n \t\r\n{2}\n{too long}\n{3}"));

        (await ReadAsync(text, 4)).ShouldBe([(1, "{1}\r"), (4, "{2}"), (5, null), (6, "{3}")]);
    }

    [Fact]
    public async Task Text_that_arrives_in_pieces_gives_the_same_lines()
    {
        var text = string.Join('\n', Enumerable.Range(0, 100).Select(i => new string('x', i)));
        foreach (var piece in new[] { 1, 7, 64 })
        {
            using var slow = new Pieces(Encoding.UTF8.GetBytes(text), piece);
            (await ReadAsync(slow, 50)).ShouldBe(
                Enumerable.Range(1, 99).Select(i => ((long)i + 1, i <= 50 ? new string('x', i) : null)));
        }
    }

    [Fact]
    public async Task A_line_of_any_length_takes_little_memory()
    {
        // All reads end at once, so that all of it runs on this thread.
        using var huge = new Pieces(new byte[65536], 65536, times: 1600);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var lines = await ReadAsync(huge, 65536);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        lines.ShouldBe([(1, null)]);
        huge.Read.ShouldBe(1600 * 65536L);
        allocated.ShouldBeLessThan(4 * 1024 * 1024);
    }

    static async Task<List<(long, string?)>> ReadAsync(Stream text, int maxBytes)
    {
        var lines = new List<(long, string?)>();
        await foreach (var (number, line) in JsonLines.ReadAsync(text, maxBytes, TestContext.Current.CancellationToken))
            lines.Add((number, line is null ? null : Encoding.UTF8.GetString(line)));
        return lines;
    }

    sealed class Pieces(byte[] text, int size, int times = 1) : MemoryStream
    {
        public new long Read { get; private set; }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var start = (int)(Read % text.Length);
            var count = Read == (long)text.Length * times ? 0 : Math.Min(Math.Min(size, buffer.Length), text.Length - start);
            text.AsMemory(start, count).CopyTo(buffer);
            Read += count;
            return ValueTask.FromResult(count);
        }
    }
}
