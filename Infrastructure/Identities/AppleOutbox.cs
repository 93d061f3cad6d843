using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Tokens;

namespace Profiles.Infrastructure.Identities;

/// <summary>What is to be done at Apple, encrypted in the outbox.</summary>
/// <param name="ClientId">The app that the token is of.</param>
/// <param name="Token">The refresh token to be revoked, or the authorization code to be exchanged for one.</param>
/// <param name="IdentityId">The identity that gets the refresh token; null to revoke one.</param>
/// <param name="Subject">Whose identity that is.</param>
sealed record AppleWork(string ClientId, string Token, long? IdentityId = null, string? Subject = null)
{
    // Encrypted and in Base64 it fits OutboxEntry.PayloadMaxLength.
    public const int TokenMaxLength = 700;
}

/// <summary>
/// Leaves to the outbox what Apple must be told: an authorization code becomes a refresh token, and that is revoked when the identity or
/// the account goes (App Store Review Guideline 5.1.1). Does nothing without Apple's key in the settings.
/// </summary>
sealed class AppleOutbox(IOptions<AppleOptions> options, IOptions<JwtOptions> jwt, TimeProvider clock)
{
    /// <summary>What an entry is to do, in its key: the payload cannot be opened after a change of the service's key.</summary>
    public const string Exchange = "exchange", Revocation = "revocation";

    /// <summary>The longest client id that is used.</summary>
    public const int ClientIdMaxLength = 200;

    readonly KeyEnvelope envelope = new(jwt.Value.KeyEncryptionKey, "Apple token");

    /// <summary>Adds the exchange of a code for the identity's refresh token. The caller saves.</summary>
    public void AddExchange(ProfilesDbContext db, Identity identity, string audience, string? code)
    {
        if (code is not null && identity.Provider == IdentityProvider.Apple && options.Value.Revokes)
            db.Outbox.Add(Entry(identity.UserId, Exchange, Seal(new(audience, code, identity.Id, identity.Subject))));
    }

    /// <summary>Adds the revocations of all identities of a user, which are about to be deleted. The caller saves.</summary>
    public async Task AddRevocationsAsync(ProfilesDbContext db, long userId, CancellationToken ct)
    {
        var revocable = await db.Identities.AsNoTracking().Where(i => i.UserId == userId && i.RefreshToken != null).ToListAsync(ct);
        revocable.ForEach(i => AddRevocation(db, i));
    }

    /// <summary>Adds the revocation of an identity that is about to be deleted. The caller saves.</summary>
    public void AddRevocation(ProfilesDbContext db, Identity identity)
    {
        if (identity.RefreshToken is { } stored && options.Value.Revokes)
            db.Outbox.Add(Entry(identity.UserId, Revocation, stored));
    }

    /// <summary>The work as it is stored; a revocation is also how an identity keeps its token.</summary>
    public string Seal(AppleWork work) => envelope.Seal(JsonSerializer.Serialize(work));

    public AppleWork Open(string stored) => JsonSerializer.Deserialize<AppleWork>(envelope.Open(stored))!;

    /// <summary>Whether the present key opens it.</summary>
    public bool CanOpen(string stored) => envelope.CanOpen(stored);

    OutboxEntry Entry(long userId, string name, string payload)
    {
        var now = clock.GetUtcNow().UtcDateTime;
        return new()
        {
            Store = OutboxStore.Apple,
            State = OutboxState.Settling,
            UserId = userId,
            Key = name,
            Payload = payload,
            CreatedAt = now,
            DueAt = now,
        };
    }
}
