using System.Collections.Concurrent;
using System.Data;
using System.Data.Common;
using Microsoft.AspNetCore.Http;
using Microsoft.EntityFrameworkCore.Diagnostics;

namespace Profiles.Tests;

/// <summary>A database command as executed.</summary>
sealed record LoggedCommand(string Text, IReadOnlyList<(string Name, DbType Type, object? Value)> Parameters);

/// <summary>Records every database command under the trace name of its request.</summary>
sealed class CommandLog : DbCommandInterceptor
{
    readonly ConcurrentQueue<(string? Trace, LoggedCommand Command)> commands = new();
    readonly HttpContextAccessor current = new();

    /// <summary>The commands of the requests with this <c>X-Test-Trace</c>; null for those without one.</summary>
    public IReadOnlyList<LoggedCommand> Of(string? trace) => [.. commands.Where(c => c.Trace == trace).Select(c => c.Command)];

    /// <summary>The same without the share of a rate limit that one request in a hundred reserves for the following ones.</summary>
    public IReadOnlyList<LoggedCommand> OwnOf(string trace) =>
        [.. Of(trace).Where(c => !c.Text.StartsWith("INSERT INTO rate_limits", StringComparison.Ordinal))];

    public override ValueTask<InterceptionResult<DbDataReader>> ReaderExecutingAsync(
        DbCommand command, CommandEventData eventData, InterceptionResult<DbDataReader> result,
        CancellationToken cancellationToken = default)
    {
        Keep(command);
        return base.ReaderExecutingAsync(command, eventData, result, cancellationToken);
    }

    public override ValueTask<InterceptionResult<int>> NonQueryExecutingAsync(
        DbCommand command, CommandEventData eventData, InterceptionResult<int> result, CancellationToken cancellationToken = default)
    {
        Keep(command);
        return base.NonQueryExecutingAsync(command, eventData, result, cancellationToken);
    }

    void Keep(DbCommand command) => commands.Enqueue((
        current.HttpContext?.Request.Headers["X-Test-Trace"],
        new(command.CommandText, [.. command.Parameters.Cast<DbParameter>().Select(p => (p.ParameterName, p.DbType, p.Value))])));
}
