using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.ChangeTracking;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Profiles.Data;
using Profiles.Infrastructure.Outbox;

namespace Profiles.Infrastructure.Webhooks;

/// <summary>
/// Adds events to the outbox in the transaction of what they tell, one for each endpoint that wants them. Changes of a user, a profile and
/// an image are found in what is saved; what no save shows, the caller tells. An event has ids and names of members, and no personal data:
/// whoever deletes a user would have to delete it where it waits and wherever it went.
/// </summary>
sealed class WebhookEvents(WebhookEndpoints endpoints, OutboxSignal signal, TimeProvider clock) : SaveChangesInterceptor
{
    const string UserCreated = "user.created", UserUpdated = "user.updated", UserDeleted = "user.deleted";

    const string ImageChanged = "image.changed", SessionHasEnded = "session.ended", TokenReused = "security.token_reused";

    public static IReadOnlyList<string> All { get; } = [UserCreated, UserUpdated, UserDeleted, ImageChanged, SessionHasEnded, TokenReused];

    public override ValueTask<InterceptionResult<int>> SavingChangesAsync(
        DbContextEventData eventData, InterceptionResult<int> result, CancellationToken cancellationToken = default)
    {
        if (endpoints.All.Count > 0 && eventData.Context is ProfilesDbContext db)
            AddChanges(db);
        return ValueTask.FromResult(result);
    }

    /// <summary>
    /// Saves new users and what else the context has. The event needs the id, which only the save gives: where it is wanted there are two
    /// saves in one transaction.
    /// </summary>
    public async Task SaveNewUsersAsync(ProfilesDbContext db, CancellationToken ct)
    {
        if (Wanting(UserCreated).Length == 0)
        {
            await db.SaveChangesAsync(ct);
        }
        else if (db.IsInTransaction)
        {
            await SaveAsync();
        }
        else
        {
            await db.TransactAsync(SaveAsync, ct);
            // On SQLite nothing else tells of the commit, and the mail waits too.
            signal.Wake();
        }

        async Task<int> SaveAsync()
        {
            var users = db.ChangeTracker.Entries<User>().Where(e => e.State == EntityState.Added).Select(e => e.Entity).ToArray();
            await db.SaveChangesAsync(ct);
            foreach (var user in users)
                Add(db, UserCreated, user.Id);
            return await db.SaveChangesAsync(ct);
        }
    }

    /// <summary>Adds the event of a deleted user; the caller saves.</summary>
    public void AddDeletion(ProfilesDbContext db, long userId) => Add(db, UserDeleted, userId);

    /// <summary>Adds the events of a session that was ended; the caller saves.</summary>
    public void AddSessionEnd(ProfilesDbContext db, long userId, long sessionId, SecurityEventKind why)
    {
        if (why == SecurityEventKind.RefreshTokenReused)
            Add(db, TokenReused, userId, ("session_id", sessionId));
        Add(db, SessionHasEnded, userId, ("session_id", sessionId), ("reason", why switch
        {
            SecurityEventKind.LoggedOut => "logged_out",
            SecurityEventKind.RefreshTokenReused => "token_reused",
            _ => "ended",
        }));
    }

    void AddChanges(ProfilesDbContext db)
    {
        var users = db.ChangeTracker.Entries().Where(e => e is { State: EntityState.Modified, Entity: User or UserProfile })
            .GroupBy(e => e.Entity is User user ? user.Id : ((UserProfile)e.Entity).UserId).ToArray();
        foreach (var user in users)
        {
            if (user.SelectMany(Changed).Order(StringComparer.Ordinal).ToArray() is { Length: > 0 } changed)
                Add(db, UserUpdated, user.Key, ("changed", new JsonArray([.. changed.Select(c => (JsonNode)c)])));
            // An image that is moved to another storage has another key and is the same.
            if (user.SingleOrDefault(e => e.Entity is UserProfile) is { } profile
                && Original<string>(profile, nameof(ProfileImage.Key)) != Image(profile)?.Key
                && Original<DateTime?>(profile, nameof(ProfileImage.UpdatedAt)) != Image(profile)?.UpdatedAt)
                Add(db, ImageChanged, user.Key, ("has_image", Image(profile) is not null));
        }
    }

    // Members have the names that clients know.
    static IEnumerable<string> Changed(EntityEntry entry) => entry.Properties
        .Where(p => p.IsModified && !Equals(p.OriginalValue, p.CurrentValue))
        .Select(p => p.Metadata.Name switch
        {
            nameof(User.EmailVerifiedAt) => "email_verified",
            nameof(User.PasswordHash) => "password",
            nameof(User.DisabledAt) => "disabled",
            nameof(User.GuestSince) => "is_guest",
            nameof(User.NormalizedEmail) or nameof(User.PendingSessionId) or nameof(UserProfile.Version) or nameof(UserProfile.UpdatedAt)
                => null,
            var member => JsonNamingPolicy.SnakeCaseLower.ConvertName(member),
        })
        .OfType<string>();

    static ProfileImage? Image(EntityEntry profile) => ((UserProfile)profile.Entity).Image;

    static T? Original<T>(EntityEntry profile, string member) =>
        (T?)profile.ComplexProperty(nameof(UserProfile.Image)).Property(member).OriginalValue;

    WebhookEndpoint[] Wanting(string type) => [.. endpoints.All.Where(e => e.Wants(type))];

    void Add(ProfilesDbContext db, string type, long userId, params ReadOnlySpan<(string Name, JsonNode Value)> members)
    {
        if (Wanting(type) is not { Length: > 0 } wanting)
            return;
        var now = clock.GetUtcNow().UtcDateTime;
        var data = new JsonObject { ["user_id"] = userId };
        foreach (var (name, value) in members)
            data[name] = value;
        var payload = WebhookMessage.New(new() { ["type"] = type, ["timestamp"] = now, ["data"] = data });
        db.Outbox.AddRange(wanting.Select(e => new OutboxEntry
        {
            Store = OutboxStore.Webhook,
            State = OutboxState.Settling,
            UserId = userId,
            Key = e.Name,
            Payload = payload,
            CreatedAt = now,
            DueAt = now,
        }));
    }
}
