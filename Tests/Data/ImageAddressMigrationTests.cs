using System.Net;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Hosting;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Profiles.Tests.Data;

/// <summary>A service on the database and the files of an older release, whose image addresses could be guessed.</summary>
public sealed class OldAddressesFixture : ProfilesFixture
{
    public const string Before = "Accounts";

    public const string AtCloudinary = "https://res.cloudinary.com/demo/image/upload/v1/profile_images/x.jpg";

    public const int LocalImages = 200;

    /// <summary>A user without an image, and one whose image is at Cloudinary.</summary>
    public const int Without = LocalImages + 1, Elsewhere = LocalImages + 2;

    /// <summary>Stands for an image; these tests never decode it.</summary>
    public static byte[] File(int user) => [0xFF, 0xD8, .. BitConverter.GetBytes(user), 0xFF, 0xD9];

    public static string Key(int user) => Convert.ToHexStringLower(SHA256.HashData(File(user)))[..8];

    protected override void ConfigureApp(IWebHostBuilder a)
    {
        base.ConfigureApp(a);
        var (data, images) = (a.GetSetting("DataDirectory")!, Path.Combine(a.GetSetting("Images:Directory")!, "profile"));
        Directory.CreateDirectory(data);
        Directory.CreateDirectory(images);
        using (var db = TestDatabase.Open(data, a.GetSetting("ConnectionStrings:Profiles")))
        {
            db.GetService<IMigrator>().Migrate(Before);
            var time = TestDatabase.IsPostgreSql ? "TIMESTAMPTZ '2026-01-01Z'" : "'2026-01-01 00:00:00'";
            for (var user = 1; user <= Elsewhere; user++)
            {
                var (key, url) = user switch
                {
                    Without => ("NULL", "NULL"),
                    Elsewhere => ("'profile_images/x'", $"'{AtCloudinary}'"),
                    _ => ($"'{Key(user)}'", $"'/static/profile/{user}.jpg?v={Key(user)}'"),
                };
                var known = user == Without ? "NULL, NULL, NULL, NULL, NULL, NULL" : $"8, 8, 100, '', '', {time}";
                Execute(db, $"""
                    INSERT INTO users (id, email, normalized_email, password_hash, created_at)
                    VALUES ({user}, 'old{user}@example.com', 'old{user}@example.com', '', {time})
                    """);
                Execute(db, $"""
                    INSERT INTO user_profiles (user_id, name, is_public, version, updated_at, image_key, image_url, image_width,
                        image_height, image_bytes, image_thumbhash, image_dominant_color, image_updated_at)
                    VALUES ({user}, 'Old', FALSE, 7, {time}, {key}, {url}, {known})
                    """);
            }
        }
        for (var user = 1; user <= LocalImages; user++)
            System.IO.File.WriteAllBytes(Path.Combine(images, $"{user}.jpg"), File(user));
    }

    static void Execute(DbContext db, string sql) => db.Database.ExecuteSqlRaw(sql);
}

public sealed class ImageAddressMigrationTests(OldAddressesFixture app) : TestBase<OldAddressesFixture>
{
    static readonly DateTime Then = new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    [Fact]
    public async Task Every_local_image_gets_an_unguessable_address_that_loads_and_nothing_else_changes()
    {
        var profiles = await app.QueryAsync(db => db.UserProfiles.AsNoTracking().OrderBy(p => p.UserId).ToListAsync(Cancellation));
        profiles.Count.ShouldBe(OldAddressesFixture.Elsewhere);
        var local = profiles.Take(OldAddressesFixture.LocalImages).ToArray();
        foreach (var profile in local)
        {
            profile.Image!.Url.ShouldMatch($"^/static/profile/{profile.UserId}\\.jpg\\?v=[0-9a-f]{{32}}$");
            profile.Image.Key.ShouldBe(OldAddressesFixture.Key((int)profile.UserId));
            profile.Image.UpdatedAt.ShouldBe(Then);
            profile.Version.ShouldBe(8);
            profile.UpdatedAt.ShouldBeGreaterThan(Then);
        }
        local.Select(p => p.Image!.Url.Split("?v=")[1]).Distinct().Count().ShouldBe(local.Length);
        foreach (var other in profiles.Skip(OldAddressesFixture.LocalImages))
            (other.Image?.Url, other.Version, other.UpdatedAt)
                .ShouldBe((other.UserId == OldAddressesFixture.Without ? null : OldAddressesFixture.AtCloudinary, 7, Then));

        foreach (var profile in local.Take(3))
        {
            var response = await app.Client.GetAsync(profile.Image!.Url, Cancellation);
            response.StatusCode.ShouldBe(HttpStatusCode.OK);
            response.Headers.CacheControl!.ToString().ShouldContain("immutable");
            (await response.Content.ReadAsByteArrayAsync(Cancellation)).ShouldBe(OldAddressesFixture.File((int)profile.UserId));
            await (await app.Client.GetAsync($"/static/profile/{profile.UserId}.jpg?v={profile.Image.Key}", Cancellation))
                .ShouldBeProblemAsync(HttpStatusCode.NotFound);
        }
    }
}
