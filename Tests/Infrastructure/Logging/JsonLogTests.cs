using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;
using Profiles.Infrastructure.Logging;

namespace Profiles.Tests.Infrastructure.Logging;

/// <summary>Lines written in the background: the same lines, none lost but those that are counted.</summary>
[Trait("Database", "Sqlite")]
public sealed class JsonLogTests
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    public static TheoryData<string, string?, int, double, long?> Requests => new()
    {
        { "GET", "/me", 200, 0.1, 42 },
        { "other", null, 404, 0, null },
        { "PUT", "/x/{id:regex(^[<>&'\"+\\d]$)}/ä", 500, 12345.6, long.MaxValue },
    };

    [Theory]
    [MemberData(nameof(Requests))]
    public void A_request_s_line_is_the_one_that_the_console_s_formatter_writes(
        string method, string? route, int status, double milliseconds, long? user)
    {
        using var services = new ServiceCollection().AddLogging(l => l.AddJsonLog()).BuildServiceProvider();
        var formatter = services.GetServices<ConsoleFormatter>().Single(f => f.Name == ConsoleFormatterNames.Json);
        var line = new RequestLine(method, route, status, milliseconds, user);
        using var activity = new System.Diagnostics.Activity("request").Start();
        var formatted = new FormattedLine(formatter);
        formatted.LogInformation("{Method} {Route} answered {Status} in {Milliseconds} ms for user {UserId}.",
            method, route, status, milliseconds, user);
        var values = new FormattedLine(formatter);
        values.Log(LogLevel.Information, default, line, null, (l, _) => l.ToString());
        using var stream = new MemoryStream();
        using (var output = new LogOutput(stream, _ => []))
            line.WriteTo(output);

        var written = Encoding.UTF8.GetString(stream.ToArray());
        Members(written).ShouldBe(Members(formatted.Text));
        Members(written).ShouldBe(Members(values.Text));
        written.ShouldContain(activity.TraceId.ToHexString());
    }

    [Fact]
    public void A_line_is_written_at_once_and_a_thousand_lines_in_few_pieces()
    {
        using var stream = new SlowStream();
        using var output = new LogOutput(stream, _ => []);
        output.Append("first\n"u8);
        SpinWait.SpinUntil(() => stream.Text == "first\n", Patience).ShouldBeTrue();
        for (var i = 0; i < 1000; i++)
            output.Append("next\n"u8);
        output.Dispose();
        stream.Text.Length.ShouldBe("first\n".Length + (1000 * "next\n".Length));
        stream.Writes.ShouldBeLessThan(100);
        output.Append("last\n"u8);
        stream.Text.ShouldEndWith("next\nlast\n");
    }

    [Fact]
    public void Lines_beyond_the_bound_are_dropped_and_the_log_says_how_many()
    {
        using var stream = new SlowStream();
        using var output = new LogOutput(stream, count => Encoding.UTF8.GetBytes($"dropped {count}\n"));
        stream.Gate.Reset();
        var line = Encoding.ASCII.GetBytes(new string('x', 1023) + "\n");
        output.Append(line);
        stream.IsWaited.Wait(Patience, TestContext.Current.CancellationToken).ShouldBeTrue();
        const int most = LogOutput.Bound / 1024;
        for (var i = 0; i < most + 7; i++)
            output.Append(line);
        stream.Gate.Set();
        output.Dispose();
        var lines = stream.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        lines.Length.ShouldBe(1 + most + 1);
        lines[^1].ShouldBe("dropped 7");
    }

    [Theory]
    [InlineData(typeof(IOException))]
    [InlineData(typeof(UnauthorizedAccessException))]
    public void Lines_that_cannot_be_written_are_counted_and_do_not_stop_the_log(Type failure)
    {
        using var stream = new SlowStream { Failure = (Exception)Activator.CreateInstance(failure)! };
        using var output = new LogOutput(stream, count => Encoding.UTF8.GetBytes($"dropped {count}\n"));
        output.Append("one\n"u8);
        SpinWait.SpinUntil(() => stream.Writes > 0, Patience).ShouldBeTrue();
        stream.Failure = null;
        output.Append("two\n"u8);
        output.Dispose();
        // The failed piece may have ended within a line.
        stream.Text.ShouldBe("\ntwo\ndropped 1\n");
    }

    [Fact, Trait("Needs", "Process")]
    public async Task The_last_line_is_there_after_SIGTERM()
    {
        await using var server = await ServerProcess.StartAsync();
        for (var i = 0; i < 100; i++)
            await server.Client.GetAsync("/me", TestContext.Current.CancellationToken);
        await new LinuxProcess(server.ProcessId).SignalAsync("TERM");
        (await server.EndedAsync()).ShouldBe(0);
        server.Output.Split('\n').Count(l => l.Contains("\"GET /me answered 401", StringComparison.Ordinal)).ShouldBe(100);
        server.Output.TrimEnd().Split('\n')[^1].ShouldContain("shutting down");
    }

    static string Members(string line)
    {
        line.ShouldEndWith("\n");
        using var json = JsonDocument.Parse(line);
        return string.Join('\n', json.RootElement.EnumerateObject().Select(m => m.Name == "Timestamp"
            ? $"{m.Name}: {m.Value.GetString()!.Length}" : $"{m.Name}: {m.Value.GetRawText()}"));
    }

    sealed class FormattedLine(ConsoleFormatter formatter) : ILogger
    {
        public string Text { get; private set; } = "";

        public bool IsEnabled(LogLevel logLevel) => true;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> format)
        {
            using var text = new StringWriter();
            formatter.Write(new LogEntry<TState>(logLevel, typeof(RequestLog).FullName!, eventId, state, exception, format),
                new TraceScope(), text);
            Text = text.ToString();
        }
    }

    /// <summary>A standard output whose reader the test is.</summary>
    sealed class SlowStream : MemoryStream
    {
        readonly MemoryStream written = new();

        public ManualResetEventSlim Gate { get; } = new(true);

        public ManualResetEventSlim IsWaited { get; } = new();

        /// <summary>What the next write throws.</summary>
        public Exception? Failure { get; set; }

        public int Writes { get; private set; }

        public string Text
        {
            get
            {
                lock (written)
                    return Encoding.UTF8.GetString(written.ToArray());
            }
        }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            var failure = Failure;
            Writes++;
            IsWaited.Set();
            Gate.Wait(Patience, CancellationToken.None).ShouldBeTrue();
            if (failure is not null)
                throw failure;
            lock (written)
                written.Write(buffer);
        }

        protected override void Dispose(bool disposing)
        {
            Gate.Dispose();
            IsWaited.Dispose();
            written.Dispose();
            base.Dispose(disposing);
        }
    }
}
