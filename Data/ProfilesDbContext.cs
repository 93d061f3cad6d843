using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Storage;

namespace Profiles.Data;

/// <summary>The one database context of all slices; the two subclasses exist for their migrations.</summary>
abstract class ProfilesDbContext(DbContextOptions options) : DbContext(options)
{
    static readonly Func<ProfilesDbContext, long, CancellationToken, Task<User?>> UserById =
        EF.CompileAsyncQuery((ProfilesDbContext db, long id, CancellationToken ct) =>
            db.Users.AsNoTracking().Include(u => u.Profile).SingleOrDefault(u => u.Id == id));

    static readonly Func<ProfilesDbContext, long, CancellationToken, Task<ImageReference?>> ImageByUser =
        EF.CompileAsyncQuery((ProfilesDbContext db, long id, CancellationToken ct) =>
            db.UserProfiles.AsNoTracking().Where(p => p.UserId == id && db.Users.Any(u => u.Id == id && u.DisabledAt == null))
                .Select(p => new ImageReference(p.Image!.Key, p.Image.Url)).SingleOrDefault());

    public DbSet<User> Users => Set<User>();

    public DbSet<UserProfile> UserProfiles => Set<UserProfile>();

    public DbSet<Session> Sessions => Set<Session>();

    public DbSet<SecurityEvent> SecurityEvents => Set<SecurityEvent>();

    public DbSet<OneTimeToken> OneTimeTokens => Set<OneTimeToken>();

    public DbSet<MailCode> MailCodes => Set<MailCode>();

    public DbSet<Identity> Identities => Set<Identity>();

    public DbSet<Passkey> Passkeys => Set<Passkey>();

    public DbSet<Challenge> Challenges => Set<Challenge>();

    public DbSet<SecondFactor> SecondFactors => Set<SecondFactor>();

    public DbSet<RecoveryCode> RecoveryCodes => Set<RecoveryCode>();

    public DbSet<WaitingRegistration> WaitingRegistrations => Set<WaitingRegistration>();

    public DbSet<IdempotentAnswer> IdempotentAnswers => Set<IdempotentAnswer>();

    public DbSet<RateLimit> RateLimits => Set<RateLimit>();

    public DbSet<AdminKey> AdminKeys => Set<AdminKey>();

    public DbSet<AuditEntry> AuditLog => Set<AuditEntry>();

    public DbSet<WebhookEndpoint> WebhookEndpoints => Set<WebhookEndpoint>();

    /// <summary>The pending work for the other stores.</summary>
    public DbSet<OutboxEntry> Outbox => Set<OutboxEntry>();

    /// <summary>Reads a user with the profile in one indexed query; untracked. Null when there is none.</summary>
    public Task<User?> FindUserAsync(long id, CancellationToken ct) => ReadAsync(() => UserById(this, id, ct));

    /// <summary>Reads a user without the profile by <see cref="User.NormalizedEmail"/>; untracked. Null when there is none.</summary>
    public Task<User?> FindUserAsync(string normalizedEmail, CancellationToken ct) =>
        ReadAsync(() => Users.AsNoTracking().SingleOrDefaultAsync(u => u.NormalizedEmail == normalizedEmail, ct));

    /// <summary>
    /// Reads the public profile with this <see cref="UserProfile.Username"/>; untracked. Null when there is none, when it is not public,
    /// and while the account is disabled.
    /// </summary>
    public Task<UserProfile?> FindPublicProfileAsync(string username, CancellationToken ct) =>
        ReadAsync(() => UserProfiles.AsNoTracking().SingleOrDefaultAsync(
            p => p.Username == username && p.IsPublic && Users.Any(u => u.Id == p.UserId && u.DisabledAt == null), ct));

    /// <summary>
    /// Reads the image of a user's profile. Null when there is no user and while the account is disabled;
    /// <see cref="ImageReference.Url"/> is null when there is no image.
    /// </summary>
    public Task<ImageReference?> FindImageAsync(long userId, CancellationToken ct) => ReadAsync(() => ImageByUser(this, userId, ct));

    /// <summary>
    /// Reads a user with the profile, tracked, to be changed under the lock of <see cref="LockUserAsync"/>. Null when there is none, and
    /// when the account was disabled meanwhile.
    /// </summary>
    public Task<User?> TrackUserAsync(long id, CancellationToken ct) =>
        Users.Include(u => u.Profile).SingleOrDefaultAsync(u => u.Id == id && u.DisabledAt == null, ct);

    /// <summary>Whether the account still exists and is enabled.</summary>
    public async Task<bool> IsEnabledAsync(long id, CancellationToken ct) =>
        await Users.CountAsync(u => u.Id == id && u.DisabledAt == null, ct) == 1;

    /// <summary>
    /// Whether a session has not ended meanwhile, read under a lock on the user: what a request adds for a session that has ended would
    /// outlast what ended it.
    /// </summary>
    public async Task<bool> HasSessionAsync(long userId, long sessionId, CancellationToken ct) =>
        await Sessions.CountAsync(s => s.Id == sessionId && s.UserId == userId, ct) == 1;

    /// <summary>
    /// Erases the copies of deleted rows that the database keeps outside its tables, as far as a client can; false when some remain for the
    /// next run.
    /// </summary>
    public virtual Task<bool> EraseDeletedAsync(CancellationToken ct) => Task.FromResult(true);

    /// <summary>Saves, and sets the timestamps. A changed address counts as a change of the profile, which shows it.</summary>
    public override Task<int> SaveChangesAsync(bool acceptAllChangesOnSuccess, CancellationToken cancellationToken = default)
    {
        var now = this.GetService<TimeProvider>().GetUtcNow().UtcDateTime;
        var users = ChangeTracker.Entries<User>().Where(e => e.State is EntityState.Added or EntityState.Modified).ToArray();
        foreach (var entry in users)
        {
            // An imported user keeps the time of the other service.
            if (entry.State == EntityState.Added && entry.Entity.CreatedAt == default)
                entry.Property(u => u.CreatedAt).CurrentValue = now;
            entry.Reference(u => u.Profile).TargetEntry!.State = entry.State;
        }
        foreach (var entry in ChangeTracker.Entries<UserProfile>().Where(e => e.State is EntityState.Added or EntityState.Modified))
            entry.Entity.Touch(now);
        return base.SaveChangesAsync(acceptAllChangesOnSuccess, cancellationToken);
    }

    /// <summary>
    /// Begins a transaction that holds the row lock of the user's profile (on SQLite, the lock of the file): one change of an image, an
    /// address or a whole account at a time, across instances. Every such transaction takes this lock first, so that none deadlock.
    /// </summary>
    public async Task<IDbContextTransaction> LockUserAsync(long userId, CancellationToken ct)
    {
        var transaction = await Database.BeginTransactionAsync(ct);
        try
        {
            await LockRowAsync(userId, ct);
            return transaction;
        }
        catch
        {
            // Others wait for the locks that it holds.
            await transaction.DisposeAsync();
            throw;
        }
    }

    /// <summary>Takes the lock of <see cref="LockUserAsync"/> in the caller's transaction, before any other lock on the user.</summary>
    public Task LockRowAsync(long userId, CancellationToken ct) =>
        UserProfiles.Where(p => p.UserId == userId).ExecuteUpdateAsync(p => p.SetProperty(x => x.Version, x => x.Version), ct);

    /// <summary>
    /// Locks the row of an account itself in the caller's transaction, and changes nothing: a change of the account either commits first,
    /// and false says that it no longer meets the conditions, or comes later.
    /// </summary>
    public static async Task<bool> TryLockAsync(IQueryable<User> account, CancellationToken ct) =>
        await account.ExecuteUpdateAsync(u => u.SetProperty(x => x.EmailVerifiedAt, x => x.EmailVerifiedAt), ct) == 1;

    /// <summary>Changes a freshly read profile in a transaction of its own, under its row lock. Null stands for a deleted user.</summary>
    // Without cancellation: the change belongs to work in another store, whose outcome must not be in doubt.
    public async Task<T> ChangeLockedProfileAsync<T>(long userId, Func<UserProfile?, Task<T>> change)
    {
        ChangeTracker.Clear();
        await using var transaction = await LockUserAsync(userId, CancellationToken.None);
        var result = await change(await UserProfiles.SingleOrDefaultAsync(p => p.UserId == userId, CancellationToken.None));
        await SaveChangesAsync(CancellationToken.None);
        await transaction.CommitAsync(CancellationToken.None);
        return result;
    }

    /// <summary>Whether what is saved is committed later.</summary>
    public virtual bool IsInTransaction => Database.CurrentTransaction is not null;

    /// <summary>Runs one statement that writes and returns rows.</summary>
    public virtual Task<T> WriteAsync<T>(Func<Task<T>> statement, CancellationToken ct) => statement();

    /// <summary>
    /// Runs statements in a transaction. They wait for nothing but the database: on SQLite other writes are in the same transaction, which
    /// is committed for all of them. A save that fails must end them, and an outbox entry waits for the next poll.
    /// </summary>
    public virtual async Task<T> TransactAsync<T>(Func<Task<T>> statements, CancellationToken ct)
    {
        await using var transaction = await Database.BeginTransactionAsync(ct);
        var result = await statements();
        await transaction.CommitAsync(ct);
        return result;
    }

    /// <summary>A time as the database returns it: UTC, in microseconds.</summary>
    public static DateTime ToStored(DateTime utc) => new(utc.Ticks - (utc.Ticks % TimeSpan.TicksPerMicrosecond), DateTimeKind.Utc);

    /// <summary>
    /// Runs a query, and once more when its pooled connection turns out to be broken. Reads only: a write whose answer was lost may have
    /// been committed.
    /// </summary>
    public static async Task<T> ReadAsync<T>(Func<Task<T>> read)
    {
        try
        {
            return await read();
        }
        catch (Exception e) when (DatabaseErrors.IsLostConnection(e))
        {
            return await read();
        }
    }

    protected override void OnModelCreating(ModelBuilder modelBuilder) =>
        modelBuilder.ApplyConfigurationsFromAssembly(typeof(ProfilesDbContext).Assembly);

    // SQLite's text has no time zone, and PostgreSQL stores nothing finer than microseconds.
    protected override void ConfigureConventions(ModelConfigurationBuilder configurationBuilder) =>
        configurationBuilder.Properties<DateTime>().HaveConversion<UtcConverter>();

    sealed class UtcConverter() : Microsoft.EntityFrameworkCore.Storage.ValueConversion.ValueConverter<DateTime, DateTime>(
        time => ToStored(time), time => DateTime.SpecifyKind(time, DateTimeKind.Utc));
}
