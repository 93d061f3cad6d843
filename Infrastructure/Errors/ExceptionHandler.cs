using System.Globalization;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Mvc;
using Profiles.Data;

namespace Profiles.Infrastructure.Errors;

/// <summary>Turns an unhandled exception into a status and logs what matters; the client sees nothing of the exception.</summary>
sealed class ExceptionHandler(IProblemDetailsService problems, ILogger<ExceptionHandler> log) : IExceptionHandler
{
    const int RetryAfterSeconds = 2;

    // Linux: ENOSPC, EDQUOT and EROFS, which .NET reports in HResult.
    const int NoSpace = 28, QuotaExceeded = 122, ReadOnlyFileSystem = 30;

    /// <summary>Whether a disk or a quota is full.</summary>
    public static bool IsFull(Exception exception) => exception is IOException { HResult: NoSpace or QuotaExceeded };

    /// <summary>Whether a file system is mounted read-only, which the operator has to fix.</summary>
    public static bool IsReadOnly(Exception exception) => exception is IOException { HResult: ReadOnlyFileSystem };

    /// <summary>The value of <c>Retry-After</c>: whole seconds, at least one.</summary>
    public static string Seconds(TimeSpan wait) =>
        Math.Max(1, (long)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);

    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        if (httpContext.RequestAborted.IsCancellationRequested)
        {
            // The client has disconnected.
            httpContext.Response.StatusCode = 499;
            return true;
        }
        var status = StatusOf(exception);
        if (status >= 500)
            log.LogError(exception, "A request failed with {Status}.", status);
        if (status == StatusCodes.Status503ServiceUnavailable)
            httpContext.Response.Headers.RetryAfter = RetryAfterSeconds.ToString(CultureInfo.InvariantCulture);
        if (exception is RateLimitedException { Wait: var wait })
            httpContext.Response.Headers.RetryAfter = Seconds(wait);
        httpContext.Response.StatusCode = status;
        return await problems.TryWriteAsync(new() { HttpContext = httpContext, ProblemDetails = new ProblemDetails { Status = status } });
    }

    static int StatusOf(Exception exception) => exception switch
    {
        BadHttpRequestException bad => bad.StatusCode,
        // Kestrel throws it for a chunk size that overflows.
        IOException { InnerException: OverflowException } => StatusCodes.Status400BadRequest,
        UserDeletedException => StatusCodes.Status401Unauthorized,
        RateLimitedException => StatusCodes.Status429TooManyRequests,
        // EF Core wraps exceptions thrown while it saves.
        _ when exception.GetBaseException() is BusyException => StatusCodes.Status503ServiceUnavailable,
        _ when IsFull(exception) => StatusCodes.Status507InsufficientStorage,
        _ when IsReadOnly(exception) => StatusCodes.Status503ServiceUnavailable,
        // Every foreign key references the caller's account, which was deleted meanwhile.
        _ when DatabaseErrors.IsOrphan(exception) => StatusCodes.Status401Unauthorized,
        _ when DatabaseErrors.IsFull(exception) => StatusCodes.Status507InsufficientStorage,
        _ when DatabaseErrors.IsUnavailable(exception) => StatusCodes.Status503ServiceUnavailable,
        _ => StatusCodes.Status500InternalServerError,
    };
}
