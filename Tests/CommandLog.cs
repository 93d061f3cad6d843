using System.Collections.Concurrent;
using System.Data.Common;
using Microsoft.AspNetCore.Http;
using Microsoft.EntityFrameworkCore.Diagnostics;

namespace Profiles.Tests;

/// <summary>Keeps the text of every database command, with what the request that ran it calls itself.</summary>
sealed class CommandLog : DbCommandInterceptor
{
    readonly ConcurrentQueue<(string? Trace, string Text)> commands = new();
    readonly HttpContextAccessor current = new();

    /// <summary>What a request ran; the client says <c>X-Test-Trace</c>.</summary>
    public IReadOnlyList<string> Of(string trace) => [.. commands.Where(c => c.Trace == trace).Select(c => c.Text)];

    public override ValueTask<InterceptionResult<DbDataReader>> ReaderExecutingAsync(
        DbCommand command, CommandEventData eventData, InterceptionResult<DbDataReader> result, CancellationToken cancellationToken = default)
    {
        commands.Enqueue((current.HttpContext?.Request.Headers["X-Test-Trace"], command.CommandText));
        return base.ReaderExecutingAsync(command, eventData, result, cancellationToken);
    }
}
