using System.Buffers;

namespace Profiles.Infrastructure.Logging;

/// <summary>
/// Writes lines in the background, so that a request costs no system call for its line: the first at once, those that follow in pieces of
/// 64 KiB or 50 ms. Drops and counts lines while more than 4 MiB wait for a slow reader: a log must not stop the service.
/// </summary>
sealed class LogOutput : IDisposable
{
    public const int Bound = 4 * 1024 * 1024;

    const int Piece = 64 * 1024;

    static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50), LongestStop = TimeSpan.FromSeconds(2);

    readonly Stream stream;
    readonly Func<long, byte[]> lineOfDropped;
    readonly Thread thread;
    readonly object gate = new();

    // Lines are appended to one while the other is written.
    ArrayBufferWriter<byte> waiting = new(Piece), writing = new(Piece);
    long lines, dropped;
    bool isIdle, isStopped, hasEnded, isBroken;

    /// <param name="stream">Where the lines go.</param>
    /// <param name="lineOfDropped">Makes the line that says how many were dropped.</param>
    public LogOutput(Stream stream, Func<long, byte[]> lineOfDropped)
    {
        (this.stream, this.lineOfDropped) = (stream, lineOfDropped);
        thread = new(Run) { IsBackground = true, Name = "Log" };
        thread.Start();
    }

    /// <summary>Appends a line, which ends with a line feed; after <see cref="Dispose"/> it is written at once.</summary>
    public void Append(ReadOnlySpan<byte> line)
    {
        lock (gate)
        {
            if (waiting.WrittenCount + line.Length > Bound)
            {
                dropped++;
                return;
            }
            waiting.Write(line);
            lines++;
            if (hasEnded)
                WritePiece();
            else if (isIdle || waiting.WrittenCount >= Piece)
                Monitor.Pulse(gate);
        }
    }

    /// <summary>Writes what waits; a reader that does not read delays this by two seconds at most.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            isStopped = true;
            Monitor.Pulse(gate);
        }
        thread.Join(LongestStop);
    }

    void Run()
    {
        while (AwaitLines())
        {
            WritePiece();
            lock (gate)
            {
                if (!isStopped && waiting.WrittenCount < Piece)
                    Monitor.Wait(gate, Pause);
            }
        }
    }

    // False when everything is written and the end has come.
    bool AwaitLines()
    {
        lock (gate)
        {
            isIdle = true;
            while (lines == 0 && !isStopped)
                Monitor.Wait(gate);
            isIdle = false;
            hasEnded = lines == 0;
            return !hasEnded;
        }
    }

    void WritePiece()
    {
        long count, missing;
        lock (gate)
        {
            (waiting, writing) = (writing, waiting);
            (count, missing, lines, dropped) = (lines, dropped, 0, 0);
        }
        try
        {
            // What was written of a piece before a failure may end within a line.
            if (isBroken)
                stream.Write("\n"u8);
            isBroken = true;
            stream.Write(writing.WrittenSpan);
            (count, isBroken) = (0, false);
            if (missing > 0)
                stream.Write(lineOfDropped(missing));
        }
        catch (Exception)
        {
            // Whatever the stream throws, such as for a full disk, must not end the service; the next line that can be written says so.
            lock (gate)
                dropped += count + missing;
        }
        writing.ResetWrittenCount();
    }
}
