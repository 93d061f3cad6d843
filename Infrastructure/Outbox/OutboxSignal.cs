using System.Data.Common;
using System.Runtime.CompilerServices;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Profiles.Data;

namespace Profiles.Infrastructure.Outbox;

/// <summary>Signals that this instance has committed an outbox entry that is due at once.</summary>
sealed class OutboxSignal : SaveChangesInterceptor, IDbTransactionInterceptor
{
    readonly ConditionalWeakTable<DbContext, object> uncommitted = [];
    TaskCompletionSource next = New();

    /// <summary>Completes with the next commit.</summary>
    public Task Next => Volatile.Read(ref next).Task;

    public override ValueTask<InterceptionResult<int>> SavingChangesAsync(
        DbContextEventData eventData, InterceptionResult<int> result, CancellationToken cancellationToken = default)
    {
        if (eventData.Context is { } db
            && db.ChangeTracker.Entries<OutboxEntry>().Any(e => e.State == EntityState.Added && e.Entity.DueAt <= e.Entity.CreatedAt))
            // The pool lends a context to one request after another: the lease tells them apart.
            uncommitted.AddOrUpdate(db, db.ContextId);
        return ValueTask.FromResult(result);
    }

    public override ValueTask<int> SavedChangesAsync(
        SaveChangesCompletedEventData eventData, int result, CancellationToken cancellationToken = default)
    {
        if (eventData.Context is ProfilesDbContext { IsInTransaction: false })
            Signal(eventData.Context);
        return ValueTask.FromResult(result);
    }

    public override Task SaveChangesFailedAsync(DbContextErrorEventData eventData, CancellationToken cancellationToken = default) =>
        Forget(eventData.Context);

    public Task TransactionRolledBackAsync(
        DbTransaction transaction, TransactionEndEventData eventData, CancellationToken cancellationToken = default) =>
        Forget(eventData.Context);

    public Task TransactionCommittedAsync(
        DbTransaction transaction, TransactionEndEventData eventData, CancellationToken cancellationToken = default)
    {
        Signal(eventData.Context);
        return Task.CompletedTask;
    }

    /// <summary>Has the outbox look now.</summary>
    public void Wake() => Interlocked.Exchange(ref next, New()).SetResult();

    static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    void Signal(DbContext? db)
    {
        if (db is not null && uncommitted.TryGetValue(db, out var lease) && uncommitted.Remove(db) && lease.Equals(db.ContextId))
            Wake();
    }

    Task Forget(DbContext? db)
    {
        if (db is not null)
            uncommitted.Remove(db);
        return Task.CompletedTask;
    }
}
