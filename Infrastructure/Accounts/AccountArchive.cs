using System.IO.Compression;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Images;

namespace Profiles.Infrastructure.Accounts;

/// <summary>Writes all data of a user as a zip that people and programs can read.</summary>
sealed class AccountArchive(ProfilesDbContext db, ImageStorages storages)
{
    // Secrets and internals. Every other property is exported, so that a new one is not forgotten.
    static readonly Dictionary<Type, string[]> Excluded = new()
    {
        [typeof(User)] = [nameof(User.NormalizedEmail), nameof(User.PasswordHash), nameof(User.PendingSessionId), nameof(User.DisabledAt)],
        [typeof(UserProfile)] = [nameof(UserProfile.UserId), nameof(UserProfile.Version)],
        [typeof(ProfileImage)] = [nameof(ProfileImage.Key), nameof(ProfileImage.IsLocal), nameof(ProfileImage.IsInS3)],
        [typeof(Session)] =
        [
            nameof(Session.UserId), nameof(Session.FamilyHash), nameof(Session.TokenHash), nameof(Session.PreviousHash),
            nameof(Session.Successor), nameof(Session.RotatedAt),
        ],
        [typeof(Identity)] = [nameof(Identity.UserId), nameof(Identity.RefreshToken)],
        [typeof(Passkey)] =
        [
            nameof(Passkey.UserId), nameof(Passkey.CredentialId), nameof(Passkey.UserHandle), nameof(Passkey.PublicKey),
            nameof(Passkey.SignCount),
        ],
        [typeof(SecondFactor)] = [nameof(SecondFactor.UserId), nameof(SecondFactor.Secret), nameof(SecondFactor.LastStep)],
        [typeof(SecurityEvent)] = [nameof(SecurityEvent.Id), nameof(SecurityEvent.UserId)],
    };

    static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
        TypeInfoResolver = new DefaultJsonTypeInfoResolver().WithAddedModifier(Exclude),
    };

    /// <summary>Reads everything before the archive begins: a later failure could only cut it off.</summary>
    /// <param name="user">The user with the profile.</param>
    /// <param name="record">Adds what is to be saved with the export.</param>
    /// <param name="ct">Cancels it.</param>
    /// <returns>Writes the archive.</returns>
    /// <exception cref="ImageStorageException">The image cannot be read; nothing is saved.</exception>
    public async Task<Func<Stream, Task>> ReadAsync(User user, Action record, CancellationToken ct)
    {
        var image = user.Profile.Image is { } shown ? await storages.Of(shown).ReadAsync(user.Id, shown, side: null, ct) : null;
        record();
        await db.SaveChangesAsync(ct);
        var sessions = await db.Sessions.AsNoTracking().Where(s => s.UserId == user.Id).OrderBy(s => s.Id).ToListAsync(ct);
        var events = await db.SecurityEvents.AsNoTracking().Where(e => e.UserId == user.Id).OrderByDescending(e => e.At)
            .Take(SecurityEvent.MostExported).ToListAsync(ct);
        var ways = new
        {
            Identities = await db.Identities.AsNoTracking().Where(i => i.UserId == user.Id).OrderBy(i => i.Id).ToListAsync(ct),
            Passkeys = await db.Passkeys.AsNoTracking().Where(p => p.UserId == user.Id).OrderBy(p => p.Id).ToListAsync(ct),
            SecondFactor = await SecondFactorAsync(user.Id, ct),
        };
        var files = new (string Name, object Content)[]
        {
            ("profile.json", Profile(user)), ("ways-in.json", ways), ("sessions.json", sessions), ("security-events.json", events),
        };
        return output => WriteAsync(output, files, image, ct);
    }

    async Task<JsonObject?> SecondFactorAsync(long userId, CancellationToken ct)
    {
        var factor = await db.SecondFactors.AsNoTracking().SingleOrDefaultAsync(f => f.UserId == userId, ct);
        if (JsonSerializer.SerializeToNode(factor, Json)?.AsObject() is not { } shown)
            return null;
        shown.Add("recovery_codes_left", await db.RecoveryCodes.CountAsync(c => c.UserId == userId, ct));
        return shown;
    }

    static async Task WriteAsync(Stream output, (string Name, object Content)[] files, byte[]? image, CancellationToken ct)
    {
        // ZipArchive writes synchronously at the end of an entry, which a response refuses. In memory: the root may be read-only.
        await using var buffer = new FileBufferingWriteStream(memoryThreshold: int.MaxValue);
        await using (var zip = await ZipArchive.CreateAsync(buffer, ZipArchiveMode.Create, leaveOpen: true, entryNameEncoding: null, ct))
            await FillAsync(zip, files, image, ct);
        await buffer.DrainBufferAsync(output, ct);
    }

    static async Task FillAsync(ZipArchive zip, (string Name, object Content)[] files, byte[]? image, CancellationToken ct)
    {
        foreach (var (name, content) in files)
        {
            await using var entry = await zip.CreateEntry(name).OpenAsync(ct);
            await JsonSerializer.SerializeAsync(entry, content, Json, ct);
        }
        if (image is null)
            return;
        await using var file = await zip.CreateEntry("picture.jpg", CompressionLevel.NoCompression).OpenAsync(ct);
        await file.WriteAsync(image, ct);
    }

    // One object of the two rows, as `GET /me` answers.
    static JsonObject Profile(User user)
    {
        var all = JsonSerializer.SerializeToNode(user, Json)!.AsObject();
        all.Remove(JsonNamingPolicy.SnakeCaseLower.ConvertName(nameof(User.Profile)));
        foreach (var (name, value) in JsonSerializer.SerializeToNode(user.Profile, Json)!.AsObject())
            all.Add(name, value?.DeepClone());
        all[JsonNamingPolicy.SnakeCaseLower.ConvertName(nameof(UserProfile.Metadata))] =
            user.Profile.Metadata is { } metadata ? JsonNode.Parse(metadata) : null;
        return all;
    }

    static void Exclude(JsonTypeInfo type)
    {
        var excluded = Excluded.GetValueOrDefault(type.Type, []);
        foreach (var property in type.Properties.Where(p => excluded.Contains((p.AttributeProvider as MemberInfo)?.Name)).ToArray())
            type.Properties.Remove(property);
    }
}
