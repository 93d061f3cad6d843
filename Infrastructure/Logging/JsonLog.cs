using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace Profiles.Infrastructure.Logging;

/// <summary>
/// Logs with the console's JSON formatter through <see cref="LogOutput"/>. The console's own logger makes four strings of each line, wakes
/// a thread for it and writes it alone: a fifth to a third of the processor time of <c>GET /me</c> (docs/adr/0001-packages.md).
/// </summary>
// Logging__Console__LogLevel applies.
[ProviderAlias("Console")]
sealed class JsonLog : ILoggerProvider, ISupportExternalScope
{
    [ThreadStatic]
    static StringWriter? text;

    readonly ConsoleFormatter formatter;
    readonly LogOutput output;
    IExternalScopeProvider? scopes;

    public JsonLog(IEnumerable<ConsoleFormatter> formatters, Stream stream)
    {
        formatter = formatters.Single(f => f.Name == ConsoleFormatterNames.Json);
        output = new(stream, LineOfDropped);
        // Also when the start fails before the host can dispose this, and when an exception ends the process.
        AppDomain.CurrentDomain.ProcessExit += End;
        AppDomain.CurrentDomain.UnhandledException += End;
    }

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    public void SetScopeProvider(IExternalScopeProvider scopeProvider) => scopes = scopeProvider;

    public void Dispose()
    {
        AppDomain.CurrentDomain.ProcessExit -= End;
        AppDomain.CurrentDomain.UnhandledException -= End;
        output.Dispose();
    }

    void End(object? sender, EventArgs e) => output.Dispose();

    byte[] LineOfDropped(long count) => Format(new LogEntry<string>(
        LogLevel.Warning, typeof(LogOutput).FullName!, default,
        $"{count} lines of the log were dropped: its reader is too slow, or its disk full.", null, (sentence, _) => sentence));

    byte[] Format<TState>(in LogEntry<TState> entry)
    {
        text ??= new();
        formatter.Write(entry, scopes, text);
        var line = Encoding.UTF8.GetBytes(text.ToString());
        text.GetStringBuilder().Clear();
        return line;
    }

    sealed class Logger(JsonLog log, string category) : ILogger
    {
        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => log.scopes?.Push(state);

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (state is RequestLine request)
                request.WriteTo(log.output);
            else
                log.output.Append(log.Format(new LogEntry<TState>(logLevel, category, eventId, state, exception, formatter)));
        }
    }
}
