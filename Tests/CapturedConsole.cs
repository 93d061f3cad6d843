using System.Text;

namespace Profiles.Tests;

/// <summary>Captures what code in the test process writes to the console, beside tests that do the same.</summary>
static class CapturedConsole
{
    static readonly AsyncLocal<StringBuilder?> Captured = new();

    static CapturedConsole()
    {
        Console.SetOut(new FlowWriter(Console.Out));
        Console.SetError(new FlowWriter(Console.Error));
    }

    /// <summary>Runs it on another thread; returns its result, and what it wrote to the standard output and the standard error.</summary>
    public static async Task<(T Result, string Output)> OfAsync<T>(Func<Task<T>> run)
    {
        var output = new StringBuilder();
        var result = await Task.Run(() =>
        {
            Captured.Value = output;
            return run();
        });
        lock (output)
            return (result, output.ToString());
    }

    // The async flow reaches the log's thread too.
    sealed class FlowWriter(TextWriter others) : TextWriter
    {
        public override Encoding Encoding => others.Encoding;

        public override void Write(char value) => Write([value]);

        public override void Write(string? value) => Write(value.AsSpan());

        public override void Write(char[] buffer, int index, int count) => Write(buffer.AsSpan(index, count));

        public override void Write(ReadOnlySpan<char> buffer)
        {
            if (Captured.Value is not { } output)
            {
                others.Write(buffer);
                return;
            }
            lock (output)
                output.Append(buffer);
        }

        public override void Flush() => others.Flush();
    }
}
