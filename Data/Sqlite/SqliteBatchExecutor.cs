using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Storage;
using Microsoft.EntityFrameworkCore.Update;

namespace Profiles.Data.Sqlite;

/// <summary>
/// Runs the statements of <c>SaveChangesAsync</c> in a group of the <see cref="SqliteWriter"/>; in a transaction, under a savepoint.
/// </summary>
sealed class SqliteBatchExecutor(ICurrentDbContext current) : IBatchExecutor
{
    const string Savepoint = "save";

    public int Execute(IEnumerable<ModificationCommandBatch> commandBatches, IRelationalConnection connection) =>
        throw new NotSupportedException("The service saves asynchronously.");

    public async Task<int> ExecuteAsync(
        IEnumerable<ModificationCommandBatch> commandBatches, IRelationalConnection connection,
        CancellationToken cancellationToken = default)
    {
        using var batches = commandBatches.GetEnumerator();
        // Writes the first statement's text before the turn, for which others wait.
        if (!batches.MoveNext())
            return 0;
        var db = (SqliteProfilesDbContext)current.Context;
        if (connection.CurrentTransaction is not { } transaction)
            return await db.GroupAsync(RunAsync, cancellationToken);
        await transaction.CreateSavepointAsync(Savepoint, cancellationToken);
        try
        {
            var rows = await RunAsync();
            await transaction.ReleaseSavepointAsync(Savepoint, cancellationToken);
            return rows;
        }
        catch (Exception e) when (!DatabaseErrors.EndsTransaction(e))
        {
            await transaction.RollbackToSavepointAsync(Savepoint, CancellationToken.None);
            await transaction.ReleaseSavepointAsync(Savepoint, CancellationToken.None);
            throw;
        }

        async Task<int> RunAsync()
        {
            var rows = 0;
            do
            {
                await batches.Current.ExecuteAsync(connection, cancellationToken);
                rows += batches.Current.ModificationCommands.Count;
            }
            while (batches.MoveNext());
            return rows;
        }
    }
}
