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

/// <summary>The keys that access tokens are signed with: the present one, and the one before it while keys are changed.</summary>
sealed class SigningKeys(IOptions<JwtOptions> jwt, IOptions<ServiceOptions> service, TimeProvider clock) : IDatabaseReader
{
    const int MinimumLength = 32;

    // From documentation, tutorials and templates: whoever can read those can sign with these.
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

    IReadOnlyList<SecurityKey> accepted = [];

    /// <summary>New tokens are signed with this. Throws before <see cref="LoadAsync"/>.</summary>
    public SymmetricSecurityKey Current { get => field ?? throw new InvalidOperationException("The signing key is not read yet."); private set; }

    /// <summary>Tokens signed with any of these are honoured.</summary>
    public IReadOnlyList<SecurityKey> Accepted => accepted;

    /// <summary>Takes the key from the settings, else from where it is kept; makes it when there is none. Throws <see cref="StartException"/>, <see cref="IOException"/> and the database's exceptions.</summary>
    public async Task LoadAsync(ProfilesDbContext db, CancellationToken ct)
    {
        Current = Key(jwt.Value.SigningKey
            ?? (db is PostgreSqlProfilesDbContext shared ? await SharedAsync(shared, ct) : ReadOrMake(service.Value.SigningKeyFile)));
        accepted = [Current, .. jwt.Value.PreviousSigningKey is { } previous ? [Key(previous)] : Array.Empty<SecurityKey>()];
    }

    /// <summary>Why a key cannot be used, or null when it can.</summary>
    public static string? Refusal(string key) =>
        key.Length < MinimumLength ? "too short"
        // Anything else is read as '?', which would leave a key of question marks.
        : !key.All(c => c is >= ' ' and <= '~') ? "not printable ASCII"
        : WellKnown.Contains(key) ? "well known"
        : null;

    static SymmetricSecurityKey Key(string key) => new(Encoding.ASCII.GetBytes(key));

    static string Make() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(48));

    async Task<string> SharedAsync(PostgreSqlProfilesDbContext db, CancellationToken ct)
    {
        var envelope = new KeyEnvelope(jwt.Value.KeyEncryptionKey);
        if (await db.SigningKeys.SingleOrDefaultAsync(ct) is not { } row)
        {
            row = new() { Value = envelope.Seal(Make()), CreatedAt = clock.GetUtcNow().UtcDateTime };
            db.Add(row);
            try
            {
                await db.SaveChangesAsync(ct);
            }
            catch (DbUpdateException e) when (DatabaseFaults.IsUniqueViolation(e))
            {
                // Another instance was first.
                db.ChangeTracker.Clear();
                row = await db.SigningKeys.SingleAsync(ct);
            }
        }
        var key = envelope.Open(row.Value);
        if (Refusal(key) is not null)
            throw new StartException("The signing key kept in the database (signing_keys) is damaged. Restore it, or remove its row to make a new one: every token in use then ends.");
        if (envelope.ShouldSeal(row.Value))
        {
            row.Value = envelope.Seal(key);
            await db.SaveChangesAsync(ct);
        }
        return key;
    }

    // Beside its place, then moved, which fails when there is one: neither a start that is killed nor another that reads meanwhile finds a half.
    static string ReadOrMake(string file)
    {
        if (!File.Exists(file))
        {
            var fresh = $"{file}.{Guid.NewGuid():N}";
            try
            {
                Write(fresh, Make());
                File.Move(fresh, file);
            }
            catch (IOException) when (File.Exists(file))
            {
                // Another instance was first.
                File.Delete(fresh);
            }
        }
        var kept = File.ReadAllText(file).Trim();
        return Refusal(kept) is null ? kept : throw new StartException("The signing key kept in DataDirectory (signing.key) is damaged. Restore it, or remove it to make a new one: every token in use then ends.");
    }

    static void Write(string file, string key)
    {
        using var stream = PrivateFiles.Create(file);
        stream.Write(Encoding.ASCII.GetBytes(key));
        stream.Flush(flushToDisk: true);
    }
}
