using System.Globalization;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Mvc;
using Profiles.Data;

namespace Profiles.Infrastructure.Errors;

/// <summary>The last resort: turns an exception into a status, logs what matters and tells the client nothing of it.</summary>
sealed class ExceptionHandler(IProblemDetailsService problems, ILogger<ExceptionHandler> log) : IExceptionHandler
{
    const int RetryAfterSeconds = 2;

    // Linux: ENOSPC, EDQUOT and EROFS; .NET hands on the number in HResult.
    const int NoSpace = 28, QuotaExceeded = 122, ReadOnlyFileSystem = 30;

    /// <summary>Whether a disk, or a user's share of it, has no room left.</summary>
    public static bool IsFull(Exception exception) => exception is IOException { HResult: NoSpace or QuotaExceeded };

    /// <summary>Whether a disk cannot be written to at all, which whoever runs the service has to end.</summary>
    public static bool IsReadOnly(Exception exception) => exception is IOException { HResult: ReadOnlyFileSystem };

    /// <summary>A time to wait as <c>Retry-After</c> says it: whole seconds, from one on.</summary>
    public static string Seconds(TimeSpan wait) => Math.Max(1, (long)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);

    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        if (httpContext.RequestAborted.IsCancellationRequested)
        {
            // Nobody is left to answer.
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
        // The server's own, of a chunk that claims more bytes than its number can hold.
        IOException { InnerException: OverflowException } => StatusCodes.Status400BadRequest,
        UserDeletedException => StatusCodes.Status401Unauthorized,
        RateLimitedException => StatusCodes.Status429TooManyRequests,
        // EF Core wraps what is thrown where it saves.
        _ when exception.GetBaseException() is BusyException => StatusCodes.Status503ServiceUnavailable,
        _ when IsFull(exception) => StatusCodes.Status507InsufficientStorage,
        _ when IsReadOnly(exception) => StatusCodes.Status503ServiceUnavailable,
        // Everything that refers to another row refers to the caller's: who has left meanwhile is nobody.
        _ when DatabaseErrors.IsOrphan(exception) => StatusCodes.Status401Unauthorized,
        _ when DatabaseErrors.IsFull(exception) => StatusCodes.Status507InsufficientStorage,
        _ when DatabaseErrors.IsUnavailable(exception) => StatusCodes.Status503ServiceUnavailable,
        _ => StatusCodes.Status500InternalServerError,
    };
}
