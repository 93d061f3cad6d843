using System.Diagnostics;
using Profiles.Infrastructure.Errors;

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
            // The route's pattern, not the path: a path is the client's text.
            var route = (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText;
            log.LogInformation(
                "{Method} {Route} answered {Status} in {Milliseconds} ms for user {UserId}, trace {TraceId}.",
                KnownMethod(context.Request.Method), route, context.Response.StatusCode,
                Math.Round(Stopwatch.GetElapsedTime(start).TotalMilliseconds, 1), context.Features.Get<RequestUser>()?.Id, Problems.TraceId(context));
        }
    }

    static string KnownMethod(string method) =>
        method is "GET" or "HEAD" or "POST" or "PUT" or "PATCH" or "DELETE" or "OPTIONS" ? method : "other";
}

/// <summary>Registers the log: one JSON object a line, times in UTC, so that nothing in a value can forge a line.</summary>
static class LoggingSetup
{
    public static void AddJsonLog(this ILoggingBuilder logging)
    {
        logging.ClearProviders();
        logging.AddJsonConsole(o =>
        {
            o.UseUtcTimestamp = true;
            o.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ";
        });
        logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        // The fault handler says it once, with the trace id.
        logging.AddFilter("Microsoft.AspNetCore.Diagnostics.ExceptionHandlerMiddleware", LogLevel.None);
        logging.AddFilter("Microsoft.EntityFrameworkCore", LogLevel.Warning);
        // Its errors repeat what the fault handler logs, unique violations among them, which are no errors.
        logging.AddFilter("Microsoft.EntityFrameworkCore.Update", LogLevel.None);
        logging.AddFilter("Microsoft.EntityFrameworkCore.Database.Command", LogLevel.None);
    }
}
