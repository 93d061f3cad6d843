using System.IO.Compression;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.WebUtilities;
using Profiles.Data;

namespace Profiles.Features.ExportMe;

/// <summary>Writes all data of a user as a zip that people and programs can read.</summary>
static class ExportMeArchive
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
        [typeof(SecurityEvent)] = [nameof(SecurityEvent.Id), nameof(SecurityEvent.UserId)],
    };

    static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
        TypeInfoResolver = new DefaultJsonTypeInfoResolver().WithAddedModifier(Exclude),
    };

    public static async Task WriteAsync(
        Stream output, User user, IEnumerable<Session> sessions, IEnumerable<SecurityEvent> events, byte[]? image, CancellationToken ct)
    {
        // ZipArchive writes synchronously at the end of an entry, which a response refuses. In memory: the root may be read-only.
        await using var buffer = new FileBufferingWriteStream(memoryThreshold: int.MaxValue);
        await using (var zip = await ZipArchive.CreateAsync(buffer, ZipArchiveMode.Create, leaveOpen: true, entryNameEncoding: null, ct))
            await FillAsync(zip, user, sessions, events, image, ct);
        await buffer.DrainBufferAsync(output, ct);
    }

    static async Task FillAsync(
        ZipArchive zip, User user, IEnumerable<Session> sessions, IEnumerable<SecurityEvent> events, byte[]? image, CancellationToken ct)
    {
        await AddAsync(zip, "profile.json", Profile(user), ct);
        await AddAsync(zip, "sessions.json", sessions, ct);
        await AddAsync(zip, "security-events.json", events, ct);
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

    static async Task AddAsync(ZipArchive zip, string name, object content, CancellationToken ct)
    {
        await using var entry = await zip.CreateEntry(name).OpenAsync(ct);
        await JsonSerializer.SerializeAsync(entry, content, Json, ct);
    }
}
