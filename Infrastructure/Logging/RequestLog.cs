using System.Collections;
using System.Diagnostics;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.Extensions.Logging.Console;

namespace Profiles.Infrastructure.Logging;

/// <summary>The user of a request, for the log.</summary>
sealed record RequestUser(long Id);

/// <summary>The name of the admin key of a request, which has no user.</summary>
sealed record RequestKey(string Name);

/// <summary>
/// Marks a route that machines ask all the time: what it answers with success would hide the requests of clients, and is for Debug.
/// </summary>
sealed class ProbeMetadata;

/// <summary>
/// Logs one structured line for each request: route, status, duration, and user id or name of the admin key. No body, token, address or
/// header.
/// </summary>
sealed class RequestLog(RequestDelegate next, ILogger<RequestLog> log)
{
    public async Task InvokeAsync(HttpContext context)
    {
        var start = Stopwatch.GetTimestamp();
        try
        {
            await next(context);
        }
        finally
        {
            // The exception handler clears the endpoint and keeps it in its feature.
            var endpoint = context.GetEndpoint() ?? context.Features.Get<IExceptionHandlerFeature>()?.Endpoint;
            // The route's pattern and not the path, which is the client's text.
            var route = (endpoint as RouteEndpoint)?.RoutePattern.RawText;
            var line = new RequestLine(
                KnownMethod(context.Request.Method), route, context.Response.StatusCode,
                Math.Round(Stopwatch.GetElapsedTime(start).TotalMilliseconds, 1), context.Features.Get<RequestUser>()?.Id);
            if (line.Status < StatusCodes.Status400BadRequest && endpoint?.Metadata.GetMetadata<ProbeMetadata>() is not null)
            {
                log.LogDebug(
                    "{Method} {Route} answered {Status} in {Milliseconds} ms.", line.Method, line.Route, line.Status, line.Milliseconds);
            }
            else if (line.UserId is null && context.Features.Get<RequestKey>() is { Name: var key })
                log.LogInformation(
                    "{Method} {Route} answered {Status} in {Milliseconds} ms for key {Key}.",
                    line.Method, line.Route, line.Status, line.Milliseconds, key);
            else
                log.Log(LogLevel.Information, default, line, null, static (line, _) => line.ToString());
        }
    }

    static string KnownMethod(string method) =>
        method is "GET" or "HEAD" or "POST" or "PUT" or "PATCH" or "DELETE" or "OPTIONS" ? method : "other";
}

/// <summary>
/// The log's only scope: every line of a request, the framework's included, has the trace id that the client got. The framework's own
/// scopes contain the path and are left out.
/// </summary>
sealed class TraceScope : IExternalScopeProvider, IDisposable
{
    public static string? TraceId => Activity.Current?.TraceId.ToHexString();

    public void ForEachScope<TState>(Action<object?, TState> callback, TState state)
    {
        if (TraceId is { } id)
            callback(new Trace(id), state);
    }

    public IDisposable Push(object? state) => this;

    public void Dispose()
    {
        // Nothing was pushed.
    }

    // The console formatter writes the pairs as members, and the text as the scope's message.
    sealed class Trace(string id) : IEnumerable<KeyValuePair<string, object?>>
    {
        public IEnumerator<KeyValuePair<string, object?>> GetEnumerator()
        {
            yield return new("TraceId", id);
        }

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

        public override string ToString() => id;
    }
}

/// <summary>Configures the log: one JSON object per line with times in UTC, so that no value can forge a line.</summary>
static class LoggingSetup
{
    public const string TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ";

    public static void AddJsonLog(this ILoggingBuilder logging, bool toStandardError = false)
    {
        logging.Services.AddSingleton<IExternalScopeProvider, TraceScope>();
        logging.AddJsonConsole(o =>
        {
            o.IncludeScopes = true;
            o.UseUtcTimestamp = true;
            o.TimestampFormat = TimestampFormat;
        });
        // Keeps the formatter.
        logging.ClearProviders();
        logging.Services.AddSingleton<ILoggerProvider>(p => new JsonLog(
            p.GetServices<ConsoleFormatter>(), toStandardError ? Console.OpenStandardError() : Console.OpenStandardOutput()));
        logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        // ExceptionHandler logs it once.
        logging.AddFilter("Microsoft.AspNetCore.Diagnostics.ExceptionHandlerMiddleware", LogLevel.None);
        logging.AddFilter("Microsoft.EntityFrameworkCore", LogLevel.Warning);
        logging.AddFilter("FastEndpoints", LogLevel.Warning);
        // Its errors repeat what ExceptionHandler logs, and include unique violations, which are expected.
        logging.AddFilter("Microsoft.EntityFrameworkCore.Update", LogLevel.None);
        logging.AddFilter("Microsoft.EntityFrameworkCore.Database.Command", LogLevel.None);
    }
}
