using System.Collections.Concurrent;
using System.Data;
using System.Data.Common;
using Microsoft.AspNetCore.Http;
using Microsoft.EntityFrameworkCore.Diagnostics;

namespace Profiles.Tests;

/// <summary>A database command as it was run.</summary>
sealed record LoggedCommand(string Text, IReadOnlyList<(string Name, DbType Type, object? Value)> Parameters);

/// <summary>Keeps every database command, with what the request that ran it calls itself.</summary>
sealed class CommandLog : DbCommandInterceptor
{
    readonly ConcurrentQueue<(string? Trace, LoggedCommand Command)> commands = new();
    readonly HttpContextAccessor current = new();

    /// <summary>What a request ran; the client says <c>X-Test-Trace</c>. Null: what no request ran that said so.</summary>
    public IReadOnlyList<LoggedCommand> Of(string? trace) => [.. commands.Where(c => c.Trace == trace).Select(c => c.Command)];

    /// <summary>The same without the portion of a limit that one request in a hundred takes for those after it.</summary>
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
