using System.Buffers.Text;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Profiles.Benchmarks;

/// <summary>What a server did in one round of load.</summary>
/// <param name="PerSecond">Requests per second.</param>
/// <param name="Median">The median of the answers' times, in milliseconds.</param>
/// <param name="P99">The time that 99 of 100 answers kept, in milliseconds.</param>
/// <param name="Cpu">The server's processor time for each request, in microseconds.</param>
/// <param name="WorkersCpu">That of its child processes.</param>
sealed record LoadRound(double PerSecond, double Median, double P99, double Cpu, double WorkersCpu);

/// <summary>
/// Sends requests over kept connections, each with a thread of its own: the load generator shares the processors with the server, and this
/// one needs fewer microseconds for each request than the server.
/// </summary>
static class Load
{
    /// <summary>Sends the requests that <paramref name="next"/> makes for each connection; any answer but 200 ends the benchmark.</summary>
    public static LoadRound Run(Server server, int connections, TimeSpan length, Func<int, ReadOnlyMemory<byte>> next)
    {
        var (before, start) = (server.Cpu(), Stopwatch.GetTimestamp());
        var tasks = Enumerable.Range(0, connections).Select(index => Task.Factory.StartNew(
            () =>
            {
                using var connection = new Connection(server.Port);
                var times = new List<double>();
                while (Stopwatch.GetElapsedTime(start) < length)
                {
                    var request = next(index);
                    var sent = Stopwatch.GetTimestamp();
                    if (connection.Send(request.Span) is not 200 and var status)
                        throw new InvalidOperationException($"{server.Name} answered {status}.");
                    times.Add(Stopwatch.GetElapsedTime(sent).TotalMilliseconds);
                }
                return times;
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)).ToArray();
        var times = Task.WhenAll(tasks).GetAwaiter().GetResult().SelectMany(t => t).Order().ToArray();
        var (elapsed, after) = (Stopwatch.GetElapsedTime(start), server.Cpu());
        return new(times.Length / elapsed.TotalSeconds, times[times.Length / 2], times[times.Length * 99 / 100],
            (after.Own - before.Own).TotalMicroseconds / times.Length, (after.Workers - before.Workers).TotalMicroseconds / times.Length);
    }
}

/// <summary>One kept HTTP/1.1 connection.</summary>
sealed class Connection : IDisposable
{
    readonly Socket socket =
        new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveTimeout = 30_000 };
    readonly byte[] buffer = new byte[64 * 1024];
    int received;

    public Connection(int port) => socket.Connect(IPAddress.Loopback, port);

    /// <summary>The last answer, with its head.</summary>
    public ReadOnlySpan<byte> Answer => buffer.AsSpan(0, received);

    /// <summary>Sends a request and returns the status of the whole answer.</summary>
    public int Send(ReadOnlySpan<byte> request)
    {
        socket.Send(request);
        received = 0;
        while (!IsComplete(Answer))
        {
            var count = socket.Receive(buffer.AsSpan(received));
            if (count == 0)
                throw new SocketException((int)SocketError.ConnectionReset);
            received += count;
        }
        // HTTP/1.1 200
        return Utf8Parser.TryParse(Answer[9..12], out int status, out _) ? status : 0;
    }

    public void Dispose() => socket.Dispose();

    static bool IsComplete(ReadOnlySpan<byte> answer)
    {
        var end = answer.IndexOf("\r\n\r\n"u8);
        if (end < 0)
            return false;
        var length = answer[..end].IndexOf("\r\nContent-Length: "u8);
        return length < 0 ? answer.EndsWith("\r\n0\r\n\r\n"u8)
            : Utf8Parser.TryParse(answer[(length + 18)..], out int body, out _) && answer.Length == end + 4 + body;
    }
}
