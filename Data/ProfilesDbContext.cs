using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Storage;

namespace Profiles.Data;

/// <summary>The one database context of all slices; each database has its own only for its migrations.</summary>
abstract class ProfilesDbContext(DbContextOptions options) : DbContext(options)
{
    static readonly Func<ProfilesDbContext, long, CancellationToken, Task<User?>> UserById =
        EF.CompileAsyncQuery((ProfilesDbContext db, long id, CancellationToken ct) =>
            db.Users.AsNoTracking().Include(u => u.Profile).SingleOrDefault(u => u.Id == id));

    static readonly Func<ProfilesDbContext, long, long, CancellationToken, Task<SessionUser?>> UserBySession =
        EF.CompileAsyncQuery((ProfilesDbContext db, long id, long sessionId, CancellationToken ct) => db.Sessions.AsNoTracking()
            .Where(s => s.Id == sessionId && s.UserId == id)
            .Join(db.Users.AsNoTracking().Include(u => u.Profile), s => s.UserId, u => u.Id, (s, u) => new SessionUser(u, s.Device)).SingleOrDefault());

    static readonly Func<ProfilesDbContext, long, CancellationToken, Task<ImageReference?>> ImageByUser =
        EF.CompileAsyncQuery((ProfilesDbContext db, long id, CancellationToken ct) =>
            db.UserProfiles.AsNoTracking().Where(p => p.UserId == id).Select(p => new ImageReference(p.Image!.Key, p.Image.Url)).SingleOrDefault());

    public DbSet<User> Users => Set<User>();

    public DbSet<UserProfile> UserProfiles => Set<UserProfile>();

    public DbSet<Session> Sessions => Set<Session>();

    public DbSet<SecurityEvent> SecurityEvents => Set<SecurityEvent>();

    public DbSet<OneTimeToken> OneTimeTokens => Set<OneTimeToken>();

    public DbSet<WaitingRegistration> WaitingRegistrations => Set<WaitingRegistration>();

    public DbSet<IdempotentAnswer> IdempotentAnswers => Set<IdempotentAnswer>();

    public DbSet<RateLimit> RateLimits => Set<RateLimit>();

    /// <summary>What is still to be done in the other stores.</summary>
    public DbSet<OutboxEntry> Outbox => Set<OutboxEntry>();

    /// <summary>Reads a user with the profile in one indexed query; untracked. Null when there is none.</summary>
    public Task<User?> FindUserAsync(long id, CancellationToken ct) => ReadAsync(() => UserById(this, id, ct));

    /// <summary>The same with the session's device, if one of the user's sessions has this id: one query proves both.</summary>
    public Task<SessionUser?> FindUserAsync(long id, long sessionId, CancellationToken ct) => ReadAsync(() => UserBySession(this, id, sessionId, ct));

    /// <summary>Reads a user without the profile by <see cref="User.NormalizedEmail"/>; untracked. Null when there is none.</summary>
    public Task<User?> FindUserAsync(string normalizedEmail, CancellationToken ct) =>
        ReadAsync(() => Users.AsNoTracking().SingleOrDefaultAsync(u => u.NormalizedEmail == normalizedEmail, ct));

    /// <summary>Reads the profile that everybody may see under <see cref="UserProfile.Username"/>; untracked. Null when there is none, or one that is not public.</summary>
    public Task<UserProfile?> FindPublicProfileAsync(string username, CancellationToken ct) =>
        ReadAsync(() => UserProfiles.AsNoTracking().SingleOrDefaultAsync(p => p.Username == username && p.IsPublic, ct));

    /// <summary>Reads what is needed to serve the image that a user's profile shows. Null when there is no user; <see cref="ImageReference.Url"/> is null when there is no image.</summary>
    public Task<ImageReference?> FindImageAsync(long userId, CancellationToken ct) => ReadAsync(() => ImageByUser(this, userId, ct));

    /// <summary>Reads a user with the profile as it is under the lock of <see cref="LockUserAsync"/>, to be changed. Null when there is none.</summary>
    public Task<User?> TrackUserAsync(long id, CancellationToken ct) => Users.Include(u => u.Profile).SingleOrDefaultAsync(u => u.Id == id, ct);

    /// <summary>Removes the copies of deleted rows that the database keeps outside its tables, as far as a client can; false when some are left for the next time.</summary>
    public virtual Task<bool> EraseDeletedAsync(CancellationToken ct) => Task.FromResult(true);

    /// <summary>Saves, and dates what is saved: a change of an address is a change of the profile that shows it.</summary>
    public override Task<int> SaveChangesAsync(bool acceptAllChangesOnSuccess, CancellationToken cancellationToken = default)
    {
        var now = this.GetService<TimeProvider>().GetUtcNow().UtcDateTime;
        foreach (var entry in ChangeTracker.Entries<User>().Where(e => e.State is EntityState.Added or EntityState.Modified).ToArray())
        {
            if (entry.State == EntityState.Added)
                entry.Property(u => u.CreatedAt).CurrentValue = now;
            entry.Reference(u => u.Profile).TargetEntry!.State = entry.State;
        }
        foreach (var entry in ChangeTracker.Entries<UserProfile>().Where(e => e.State is EntityState.Added or EntityState.Modified))
            entry.Entity.Touch(now);
        return base.SaveChangesAsync(acceptAllChangesOnSuccess, cancellationToken);
    }

    /// <summary>
    /// Begins a transaction that has locked the user's profile row (on SQLite, the file): one change of an image, an address or a whole account at
    /// a time, on all instances. It is the first row that any of them locks, so that no two wait for each other in a circle.
    /// </summary>
    public async Task<IDbContextTransaction> LockUserAsync(long userId, CancellationToken ct)
    {
        var transaction = await Database.BeginTransactionAsync(ct);
        await UserProfiles.Where(p => p.UserId == userId).ExecuteUpdateAsync(p => p.SetProperty(x => x.Version, x => x.Version), ct);
        return transaction;
    }

    /// <summary>Changes a profile, read afresh, in a transaction of its own that has locked its row. Null stands for a user who is gone.</summary>
    // Without cancellation: what is done in another store meanwhile must not be in doubt.
    public async Task<T> ChangeLockedProfileAsync<T>(long userId, Func<UserProfile?, Task<T>> change)
    {
        ChangeTracker.Clear();
        await using var transaction = await LockUserAsync(userId, CancellationToken.None);
        var result = await change(await UserProfiles.SingleOrDefaultAsync(p => p.UserId == userId, CancellationToken.None));
        await SaveChangesAsync(CancellationToken.None);
        await transaction.CommitAsync(CancellationToken.None);
        return result;
    }

    /// <summary>A time as it comes back: UTC, in microseconds.</summary>
    public static DateTime ToStored(DateTime utc) => new(utc.Ticks - (utc.Ticks % TimeSpan.TicksPerMicrosecond), DateTimeKind.Utc);

    /// <summary>Reads. A connection from the pool may have died unnoticed: a read may be done twice; a write whose answer was lost may have been done, and is not repeated.</summary>
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

    // A time is kept as UTC, in microseconds, and comes back as UTC: SQLite's text does not remember the zone, PostgreSQL has no shorter moment.
    protected override void ConfigureConventions(ModelConfigurationBuilder configurationBuilder) =>
        configurationBuilder.Properties<DateTime>().HaveConversion<UtcConverter>();

    sealed class UtcConverter() : Microsoft.EntityFrameworkCore.Storage.ValueConversion.ValueConverter<DateTime, DateTime>(
        time => ToStored(time), time => DateTime.SpecifyKind(time, DateTimeKind.Utc));
}

/// <summary>A user, and what the app calls the phone that the session is of.</summary>
sealed record SessionUser(User User, string? Device);
