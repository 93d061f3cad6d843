using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Tokens;
using Profiles.Data;
using Profiles.Data.PostgreSql;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Tokens;

/// <summary>
/// The service's own secret, which signs access tokens while it comes from the settings; else the <see cref="KeyRing"/> does. The previous
/// one of the settings is accepted while it is being changed.
/// </summary>
sealed class SigningKeys(IOptions<JwtOptions> jwt, IOptions<ServiceOptions> service, TimeProvider clock) : IStartupLoader
{
    const int MinimumLength = 32;

    // Sample keys of documentation, tutorials and templates: anyone who reads those could sign with them.
    static readonly HashSet<string> WellKnown = new(StringComparer.OrdinalIgnoreCase)
    {
        "a-string-secret-at-least-256-bits-long",
        "your-256-bit-secret-your-256-bit-secret",
        "your-super-secret-jwt-token-with-at-least-32-characters-long",
        "super-secret-jwt-token-with-at-least-32-characters-long",
        "your-secret-key-must-be-at-least-32-characters-long",
        "this-is-a-very-long-secret-key-for-jwt-signing",
        "this is my custom Secret key for authentication",
        "a-signing-key-that-is-at-least-32-bytes-long!",
        "A Secret Token Signing Key Longer Than 32 Characters",
        "TokenSigningKeyShouldBeAtLeast32CharactersLong",
        "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
        "ThisIsASecretKeyForJwtAuthentication1234567890",
        "changemechangemechangemechangeme",
        "secretsecretsecretsecretsecretsecret",
        "01234567890123456789012345678901",
        "12345678901234567890123456789012",
    };

    byte[][] accepted = [];

    /// <summary>The secret. Throws before <see cref="LoadAsync"/>.</summary>
    public SymmetricSecurityKey Current
    {
        get => field ?? throw new InvalidOperationException("The signing key is not read yet.");
        private set;
    }

    /// <summary>The keys whose tokens are accepted, <see cref="Current"/> first.</summary>
    public ReadOnlySpan<byte[]> Accepted => accepted;

    /// <summary>When the secret was generated, UTC; of no meaning for one from the settings.</summary>
    public DateTime CreatedAt { get; private set; }

    /// <summary>
    /// Reads the key from the settings, else from the database or the file; generates it when there is none, and encrypts one in plain text
    /// although the setting is there. Throws <see cref="StartException"/>, <see cref="IOException"/> and the database's exceptions.
    /// </summary>
    public async Task LoadAsync(IServiceProvider scope, CancellationToken ct)
    {
        Current = Key(jwt.Value.SigningKey
            ?? (scope.GetRequiredService<DatabaseEngine>() is PostgreSqlEngine
                ? await ReadOrCreateRowAsync(scope.GetRequiredService<PostgreSqlProfilesDbContext>(), ct)
                : ReadOrCreateFile(service.Value.SigningKeyFile)));
        accepted = [Current.Key, .. jwt.Value.PreviousSigningKey is { } previous ? [Key(previous).Key] : Array.Empty<byte[]>()];
    }

    /// <summary>Why a key cannot be used; null when it can.</summary>
    public static string? Refusal(string key) =>
        key.Length < MinimumLength ? "too short"
        // ASCII encoding turns every other character into '?', which would leave a key of question marks.
        : !key.All(c => c is >= ' ' and <= '~') ? "not printable ASCII"
        : WellKnown.Contains(key) ? "well known"
        : null;

    static SymmetricSecurityKey Key(string key) => new(Encoding.ASCII.GetBytes(key));

    static string Generate() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(48));

    async Task<string> ReadOrCreateRowAsync(PostgreSqlProfilesDbContext db, CancellationToken ct)
    {
        var envelope = new KeyEnvelope(jwt.Value.KeyEncryptionKey);
        if (await db.SigningKeys.SingleOrDefaultAsync(ct) is not { } row)
        {
            row = new() { Value = envelope.Seal(Generate()), CreatedAt = clock.GetUtcNow().UtcDateTime };
            db.Add(row);
            try
            {
                await db.SaveChangesAsync(ct);
            }
            catch (DbUpdateException e) when (DatabaseErrors.IsUniqueViolation(e))
            {
                // Another instance was first.
                db.ChangeTracker.Clear();
                row = await db.SigningKeys.SingleAsync(ct);
            }
        }
        var key = envelope.Open(row.Value);
        if (Refusal(key) is not null)
            throw new StartException(
                "The signing key in the database (signing_keys) is damaged. Restore it, or delete its row to generate a new one: "
                    + "every access token then becomes invalid.");
        if (envelope.ShouldSeal(row.Value))
        {
            row.Value = envelope.Seal(key);
            await db.SaveChangesAsync(ct);
        }
        CreatedAt = row.CreatedAt;
        return key;
    }

    // Not overwritten when it exists: every start reads the same key.
    string ReadOrCreateFile(string file)
    {
        var envelope = new KeyEnvelope(jwt.Value.KeyEncryptionKey);
        if (!File.Exists(file))
        {
            try
            {
                PrivateFiles.Replace(file, Encoding.ASCII.GetBytes(envelope.Seal(Generate())), overwrite: false);
            }
            catch (IOException) when (File.Exists(file))
            {
                // Another instance was first.
            }
        }
        var stored = File.ReadAllText(file).Trim();
        var key = envelope.Open(stored, "DataDirectory (signing.key)");
        if (Refusal(key) is not null)
            throw new StartException(
                "The signing key in DataDirectory (signing.key) is damaged. Restore it, or delete it to generate a new one: "
                    + "every access token then becomes invalid.");
        CreatedAt = File.GetLastWriteTimeUtc(file);
        if (envelope.ShouldSeal(stored))
            PrivateFiles.Replace(file, Encoding.ASCII.GetBytes(envelope.Seal(key)), lastWriteUtc: CreatedAt);
        return key;
    }
}
