using System.IO.Compression;
using System.Text.Json;
using Profiles.Data;
using Profiles.Infrastructure.Http;

namespace Profiles.Features.ExportMe;

/// <summary>Writes what we know of a person as a zip that a person and a program can read.</summary>
static class ExportMeArchive
{
    static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true };

    public static async Task WriteAsync(Stream output, User user, IEnumerable<Session> sessions, IEnumerable<SecurityEvent> events, byte[]? picture, CancellationToken ct)
    {
        await using var writes = new LaterWrites(output);
        await using (var zip = await ZipArchive.CreateAsync(writes, ZipArchiveMode.Create, leaveOpen: true, entryNameEncoding: null, ct))
            await FillAsync(zip, user, sessions, events, picture, ct);
        await writes.FlushAsync(ct);
    }

    static async Task FillAsync(ZipArchive zip, User user, IEnumerable<Session> sessions, IEnumerable<SecurityEvent> events, byte[]? picture, CancellationToken ct)
    {
        await AddAsync(zip, "profile.json", Profile(user), ct);
        await AddAsync(zip, "sessions.json", sessions.Select(s => new { s.Id, s.Device, s.CreatedAt, s.LastUsedAt }), ct);
        await AddAsync(zip, "security-events.json", events.Select(e => new { Kind = JsonNamingPolicy.SnakeCaseLower.ConvertName($"{e.Kind}"), e.At, e.Device, e.Network }), ct);
        if (picture is null)
            return;
        await using var file = await zip.CreateEntry("picture.jpg", CompressionLevel.NoCompression).OpenAsync(ct);
        await file.WriteAsync(picture, ct);
    }

    static object Profile(User user) => new
    {
        user.Id,
        user.Email,
        user.EmailVerifiedAt,
        user.PendingEmail,
        user.CreatedAt,
        user.Profile.Name,
        user.Profile.Username,
        user.Profile.Bio,
        user.Profile.Phone,
        user.Profile.BirthDate,
        user.Profile.Locale,
        user.Profile.TimeZone,
        Metadata = user.Profile.Metadata is { } metadata ? JsonDocument.Parse(metadata).RootElement : (JsonElement?)null,
        user.Profile.IsPublic,
        user.Profile.UpdatedAt,
        Image = user.Profile.Image is { } image ? new { image.Url, image.Width, image.Height, image.Bytes, image.Thumbhash, image.DominantColor, image.UpdatedAt } : null,
    };

    static async Task AddAsync(ZipArchive zip, string name, object content, CancellationToken ct)
    {
        await using var entry = await zip.CreateEntry(name).OpenAsync(ct);
        await JsonSerializer.SerializeAsync(entry, content, Json, ct);
    }
}
