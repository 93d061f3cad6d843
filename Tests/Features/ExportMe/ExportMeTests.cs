using System.IO.Compression;
using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;

namespace Profiles.Tests.Features.ExportMe;

public sealed class ExportMeTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    [Fact]
    public async Task The_archive_has_the_profile_the_sessions_the_events_and_the_image()
    {
        var user = await app.LogInAsync(await app.CreateUserAsync("Jöhn \"☕\" Doe"), "Phone");
        using var client = app.ClientFor(user);
        var url = await client.UploadForUrlAsync(TestImage.Bytes("upright.jpg"), Cancellation);
        await app.QueryAsync(db => db.UserProfiles.Where(p => p.UserId == user.Id).ExecuteUpdateAsync(p => p
            .SetProperty(x => x.Bio, "About me").SetProperty(x => x.Metadata, """{"theme":{"dark":true}}""")
            .SetProperty(x => x.BirthDate, new DateOnly(2000, 2, 29))));

        var response = await client.GetAsync("/me/export", Cancellation);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        response.Content.Headers.ContentType!.MediaType.ShouldBe("application/zip");
        response.Content.Headers.ContentDisposition!.FileName.ShouldBe("profile-export.zip");
        response.Headers.CacheControl!.NoStore.ShouldBeTrue();
        using var zip = await ReadAsync(response);
        zip.Entries.Select(e => e.FullName)
            .ShouldBe(["profile.json", "ways-in.json", "sessions.json", "security-events.json", "picture.jpg"]);

        var profile = Json(zip, "profile.json");
        profile.GetProperty("name").GetString().ShouldBe(user.Name);
        profile.GetProperty("email").GetString().ShouldBe(user.Email);
        profile.GetProperty("bio").GetString().ShouldBe("About me");
        profile.GetProperty("birth_date").GetString().ShouldBe("2000-02-29");
        profile.GetProperty("metadata").GetProperty("theme").GetProperty("dark").GetBoolean().ShouldBeTrue();
        profile.GetProperty("image").GetProperty("width").GetInt32().ShouldBe(320);
        Json(zip, "sessions.json").EnumerateArray().Select(s => s.GetProperty("device").GetString()).ShouldBe([null, "Phone"]);
        Json(zip, "security-events.json").EnumerateArray().Select(e => e.GetProperty("kind").GetString()).Take(2)
            .ShouldBe(["data_exported", "logged_in"]);
        Bytes(zip, "picture.jpg").ShouldBe(await client.GetByteArrayAsync(url, Cancellation));
        // Secrets are not exported.
        foreach (var entry in zip.Entries.Where(e => e.Name.EndsWith(".json")))
            new StreamReader(entry.Open()).ReadToEnd().ShouldNotContain("_hash");
    }

    // Properties that are not exported: secrets and internals of the storage.
    static readonly Dictionary<Type, string[]> Internal = new()
    {
        [typeof(User)] = ["NormalizedEmail", "PasswordHash", "PendingSessionId", "DisabledAt", "Profile"],
        [typeof(UserProfile)] = ["UserId", "Version"],
        [typeof(ProfileImage)] = ["Key", "IsLocal", "IsInS3"],
        [typeof(Session)] = ["UserId", "FamilyHash", "TokenHash", "PreviousHash", "Successor", "RotatedAt"],
        [typeof(SecurityEvent)] = ["Id", "UserId"],
        [typeof(Identity)] = ["UserId", "RefreshToken"],
        [typeof(Passkey)] = ["UserId", "CredentialId", "UserHandle", "PublicKey", "SignCount"],
        [typeof(SecondFactor)] = ["UserId", "Secret", "LastStep"],
    };

    [Fact]
    public async Task Every_stored_property_of_a_user_is_exported_except_the_internal_ones()
    {
        var user = await app.CreateUserAsync();
        await app.QueryAsync(async db =>
        {
            db.Identities.Add(new() { UserId = user.Id, Provider = "google", Subject = $"{user.Id}", CreatedAt = DateTime.UnixEpoch });
            db.Passkeys.Add(PasskeyOf(user.Id));
            db.SecondFactors.Add(new() { UserId = user.Id, Secret = "secret" });
            db.RecoveryCodes.Add(new() { UserId = user.Id, CodeHash = RandomNumberGenerator.GetBytes(Session.HashLength) });
            return await db.SaveChangesAsync(Cancellation);
        });
        using var client = app.ClientFor(user);
        await client.UploadForUrlAsync(TestImage.Png(8, 8, 1, 2, 3), Cancellation);
        using var zip = await ReadAsync(await client.GetAsync("/me/export", Cancellation));
        var profile = Json(zip, "profile.json");
        profile.Names().ShouldBe(Shown(typeof(User)).Concat(Shown(typeof(UserProfile))), ignoreOrder: true);
        profile.GetProperty("image").Names().ShouldBe(Shown(typeof(ProfileImage)), ignoreOrder: true);
        Json(zip, "sessions.json")[0].Names().ShouldBe(Shown(typeof(Session)), ignoreOrder: true);
        Json(zip, "security-events.json")[0].Names().ShouldBe(Shown(typeof(SecurityEvent)), ignoreOrder: true);

        var ways = Json(zip, "ways-in.json");
        ways.GetProperty("identities")[0].Names().ShouldBe(Shown(typeof(Identity)), ignoreOrder: true);
        ways.GetProperty("passkeys")[0].Names().ShouldBe(Shown(typeof(Passkey)), ignoreOrder: true);
        ways.GetProperty("second_factor").Names()
            .ShouldBe(Shown(typeof(SecondFactor)).Append("recovery_codes_left"), ignoreOrder: true);
        ways.GetProperty("second_factor").GetProperty("recovery_codes_left").GetInt32().ShouldBe(1);

        static IEnumerable<string> Shown(Type type)
        {
            var properties = type.GetProperties().Select(p => p.Name).ToArray();
            Internal[type].Except(properties).ShouldBeEmpty(type.Name);
            return properties.Except(Internal[type]).Select(JsonNamingPolicy.SnakeCaseLower.ConvertName);
        }
    }

    static Passkey PasskeyOf(long userId) => new()
    {
        UserId = userId,
        CredentialId = BitConverter.GetBytes(userId),
        UserHandle = [1],
        PublicKey = [2],
        SignCount = 3,
        Aaguid = Guid.Empty,
        Transports = "internal",
        IsBackupEligible = true,
        IsBackedUp = true,
        Name = "A phone",
        CreatedAt = DateTime.UnixEpoch,
    };

    [Fact]
    public async Task Without_an_image_or_its_file_the_rest_is_exported()
    {
        var user = await app.CreateUserAsync();
        using var client = app.ClientFor(user);
        using (var zip = await ReadAsync(await client.GetAsync("/me/export", Cancellation)))
            zip.Entries.Count.ShouldBe(4);
        await client.UploadForUrlAsync(TestImage.Bytes("upright.jpg"), Cancellation);
        File.Delete(Path.Combine(app.ImageDirectory, $"{user.Id}.jpg"));
        using (var zip = await ReadAsync(await client.GetAsync("/me/export", Cancellation)))
            zip.Entries.Count.ShouldBe(4);
    }

    internal static async Task<ZipArchive> ReadAsync(HttpResponseMessage response) =>
        new(new MemoryStream(await response.EnsureSuccessStatusCode().Content.ReadAsByteArrayAsync()), ZipArchiveMode.Read);

    internal static byte[] Bytes(ZipArchive zip, string name)
    {
        using var copy = new MemoryStream();
        using var entry = zip.GetEntry(name)!.Open();
        entry.CopyTo(copy);
        return copy.ToArray();
    }

    static JsonElement Json(ZipArchive zip, string name) => JsonDocument.Parse(Bytes(zip, name)).RootElement;
}
