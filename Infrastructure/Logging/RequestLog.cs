using System.Collections;
using System.Diagnostics;
using Microsoft.AspNetCore.Diagnostics;

namespace Profiles.Infrastructure.Logging;

/// <summary>Whose request it is; for the log.</summary>
sealed record RequestUser(long Id);

/// <summary>One structured line for each request: route, status, duration and user id. Never a body, a token, an address or a header.</summary>
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
            // After an exception the endpoint is kept only there.
            var endpoint = context.GetEndpoint() ?? context.Features.Get<IExceptionHandlerFeature>()?.Endpoint;
            // The route's pattern, not the path: a path is the client's text.
            var route = (endpoint as RouteEndpoint)?.RoutePattern.RawText;
            log.LogInformation(
                "{Method} {Route} answered {Status} in {Milliseconds} ms for user {UserId}.",
                KnownMethod(context.Request.Method), route, context.Response.StatusCode,
                Math.Round(Stopwatch.GetElapsedTime(start).TotalMilliseconds, 1), context.Features.Get<RequestUser>()?.Id);
        }
    }

    static string KnownMethod(string method) =>
        method is "GET" or "HEAD" or "POST" or "PUT" or "PATCH" or "DELETE" or "OPTIONS" ? method : "other";
}

/// <summary>
/// The one scope of the log: every line that a request leaves, the framework's too, has the trace id that its client was told.
/// The framework's own scopes have the path, and stay out.
/// </summary>
sealed class TraceScope : IExternalScopeProvider, IDisposable
{
    public void ForEachScope<TState>(Action<object?, TState> callback, TState state)
    {
        if (Activity.Current is { } activity)
            callback(new Trace(activity.TraceId.ToHexString()), state);
    }

    public IDisposable Push(object? state) => this;

    public void Dispose()
    {
        // Nothing was pushed.
    }

    // Pairs are written as members, and the whole as the scope's message.
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

/// <summary>Registers the log: one JSON object a line, times in UTC, so that nothing in a value can forge a line.</summary>
static class LoggingSetup
{
    public static void AddJsonLog(this ILoggingBuilder logging)
    {
        logging.ClearProviders();
        logging.Services.AddSingleton<IExternalScopeProvider, TraceScope>();
        logging.AddJsonConsole(o =>
        {
            o.IncludeScopes = true;
            o.UseUtcTimestamp = true;
            o.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ";
        });
        logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        // The fault handler says it once.
        logging.AddFilter("Microsoft.AspNetCore.Diagnostics.ExceptionHandlerMiddleware", LogLevel.None);
        logging.AddFilter("Microsoft.EntityFrameworkCore", LogLevel.Warning);
        logging.AddFilter("FastEndpoints", LogLevel.Warning);
        // Its errors repeat what the fault handler logs, unique violations among them, which are no errors.
        logging.AddFilter("Microsoft.EntityFrameworkCore.Update", LogLevel.None);
        logging.AddFilter("Microsoft.EntityFrameworkCore.Database.Command", LogLevel.None);
    }
}
