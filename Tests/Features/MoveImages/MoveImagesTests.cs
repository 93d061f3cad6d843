using System.Net;
using Microsoft.AspNetCore.Hosting;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;

namespace Profiles.Tests.Features.MoveImages;

/// <summary>A service with all three storages; new images are local.</summary>
public sealed class ThreeStoragesFixture : ProfilesFixture
{
    public S3Server S3 { get; } = new();

    public CloudinaryDouble Cloudinary { get; private set; } = null!;

    protected override async ValueTask PreSetupAsync()
    {
        Cloudinary = await CloudinaryDouble.StartAsync();
        Cloudinary.Delivers = true;
    }

    protected override async ValueTask TearDownAsync()
    {
        await S3.DisposeAsync();
        await Cloudinary.DisposeAsync();
    }

    protected override void ConfigureApp(IWebHostBuilder a)
    {
        base.ConfigureApp(a);
        a.UseSetting("Images:Storage", "Local");
        a.UseSetting("CLOUDINARY_URL", Cloudinary.CloudinaryUrl);
        a.UseSetting("Cloudinary:ApiBaseAddress", Cloudinary.BaseAddress.GetLeftPart(UriPartial.Authority));
        a.UseSetting("Cloudinary:Timeout", "00:00:02");
        foreach (var (name, value) in S3.Settings)
            a.UseSetting(name.Replace("__", ":"), value);
    }
}

/// <summary>Images carried from one storage to another, beside the service.</summary>
[Trait("Needs", "Process")]
public sealed class MoveImagesTests(ThreeStoragesFixture app) : TestBase<ThreeStoragesFixture>
{
    static readonly HttpClient Plain = new();

    [Fact]
    public async Task Images_move_to_S3_and_Cloudinary_and_back_byte_for_byte()
    {
        await app.S3.StartAsync();
        var users = new List<(TestUser User, byte[][] Parts)>();
        byte[][] images = [TestImage.Bytes("upright.jpg"), TestImage.Png(40, 30, 255, 0, 0), TestImage.Png(40, 30, 0, 0, 255)];
        foreach (var image in images)
        {
            var user = await app.CreateUserAsync();
            await app.ClientFor(user).UploadForUrlAsync(image, Cancellation);
            users.Add((user, await PartsAsync(user)));
        }
        var before = await RowsAsync(users.Select(u => u.User));

        var (exitCode, said) = await MoveAsync("local", "s3");
        said.ShouldBe("New images are not stored there: set Images__Storage to S3 and restart the service.\n"
            + "3 of 3 images moved, 0 changed meanwhile, 0 failed.\n");
        exitCode.ShouldBe(0);
        (Files(), (await app.S3.NamesAsync()).Length).ShouldBe((0, 12));
        foreach (var (user, parts) in users)
            (await PartsAsync(user)).ShouldBe(parts);
        await ShouldBeSoundAsync();
        var audited = await app.QueryAsync(db => db.AuditLog.Where(e => e.Action.StartsWith("images.")).OrderByDescending(e => e.Id).Take(2)
            .Select(e => $"{e.Action}: {e.Detail}").ToListAsync(Cancellation));
        audited.ShouldBe(
            ["images.moved: Local to S3: 3 moved, 0 changed meanwhile, 0 failed", "images.move_started: Local to S3"]);

        (await MoveAsync("s3", "local")).Output.ShouldBe("3 of 3 images moved, 0 changed meanwhile, 0 failed.\n");
        (Files(), (await app.S3.NamesAsync()).Length).ShouldBe((12, 0));
        foreach (var (user, parts) in users)
            (await PartsAsync(user)).ShouldBe(parts);
        (await RowsAsync(users.Select(u => u.User))).Select(r => r with { Url = "" }).ShouldBe(before.Select(r => r with { Url = "" }));
        await ShouldBeSoundAsync();

        (await MoveAsync("local", "cloudinary")).Output.ShouldEndWith("3 of 3 images moved, 0 changed meanwhile, 0 failed.\n");
        (Files(), app.Cloudinary.Assets.Count).ShouldBe((0, 3));
        app.Cloudinary.Assets.Values.ShouldBe(users.Select(u => u.Parts[0]), ignoreOrder: true);
        // Again: nothing is left to do.
        (await MoveAsync("local", "cloudinary")).Output.ShouldEndWith("0 of 0 images moved, 0 changed meanwhile, 0 failed.\n");
        foreach (var (user, _) in users)
            await (await app.ClientFor(user).DeleteAsync("/me/upload-image", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        app.Cloudinary.Assets.ShouldBeEmpty();
    }

    [Fact]
    public async Task Whoever_changes_an_image_meanwhile_wins()
    {
        await app.S3.StartAsync();
        var users = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => app.CreateUserAsync()));
        foreach (var user in users)
            await app.ClientFor(user).UploadForUrlAsync(TestImage.Png(40, 30, 255, 0, 0), Cancellation);
        var shown = new string?[users.Length];
        using var moved = new CancellationTokenSource();
        var changes = users.Select((user, at) => Task.Run(async () =>
        {
            var client = app.ClientFor(user);
            for (var change = 0; !moved.IsCancellationRequested || change == 0; change++)
            {
                if ((change + at) % 4 == 3)
                    (await client.DeleteAsync("/me/upload-image", Cancellation)).StatusCode.ShouldBe(HttpStatusCode.OK);
                else
                    await client.UploadForUrlAsync(TestImage.Png(40, 30, (byte)change, (byte)at, 255), Cancellation);
                // By its size and colour: the move changes the address.
                shown[at] = (change + at) % 4 == 3 ? null : await ColourAsync(client);
            }
        }, Cancellation)).ToArray();
        for (var round = 0; round < 3; round++)
        {
            (await MoveAsync("local", "s3")).ExitCode.ShouldBe(0);
            (await MoveAsync("s3", "local")).ExitCode.ShouldBe(0);
        }
        (await MoveAsync("local", "s3")).ExitCode.ShouldBe(0);
        await moved.CancelAsync();
        await Task.WhenAll(changes);
        for (var at = 0; at < users.Length; at++)
        {
            (await ColourAsync(app.ClientFor(users[at]))).ShouldBe(shown[at]);
            if (shown[at] is not null)
                await PartsAsync(users[at]);
        }
        await ShouldBeSoundAsync();
        foreach (var (user, image) in users.Zip(shown).Where(u => u.Second is not null))
            await (await app.ClientFor(user).DeleteAsync("/me/upload-image", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
    }

    [Fact]
    public async Task An_image_that_is_missing_stays_and_is_told_and_a_storage_that_fails_is_not_begun_with()
    {
        await app.S3.StartAsync();
        var (whole, lost) = (await app.CreateUserAsync(), await app.CreateUserAsync());
        foreach (var user in (TestUser[])[whole, lost])
            await app.ClientFor(user).UploadForUrlAsync(TestImage.Png(40, 30, 255, 0, 0), Cancellation);
        File.Delete(Path.Combine(app.ImageDirectory, $"{lost.Id}.jpg"));
        var (exitCode, said) = await MoveAsync("local", "s3");
        exitCode.ShouldBe(1);
        said.ShouldEndWith($"The image of user {lost.Id} stays where it is: It is missing.\n"
            + "1 of 2 images moved, 0 changed meanwhile, 1 failed.\n");
        await PartsAsync(whole);

        app.S3.Kill();
        var (refused, _, error) = await app.RunAsync("images", "move", "--from", "local", "--to", "s3");
        (refused, error).ShouldBe((1, "The storage S3 cannot be used: S3 did not answer as expected.\n"));
        (await app.RunAsync("images", "move", "--from", "s3", "--to", "s3")).Error.ShouldBe("--from and --to must be two storages.\n");
        (await app.RunAsync("images", "move", "--from", "s3")).ExitCode.ShouldBe(2);
        await app.S3.StartAsync();
        foreach (var user in (TestUser[])[whole, lost])
            await (await app.ClientFor(user).DeleteAsync("/me/upload-image", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
    }

    [Fact]
    public async Task What_cannot_be_read_back_is_removed_and_the_image_stays()
    {
        await app.S3.StartAsync();
        var user = await app.CreateUserAsync();
        await app.ClientFor(user).UploadForUrlAsync(TestImage.Png(40, 30, 255, 0, 0), Cancellation);
        var parts = await PartsAsync(user);
        using (app.S3.RefuseReads())
        {
            var (exitCode, said) = await MoveAsync("local", "s3");
            exitCode.ShouldBe(1);
            said.ShouldEndWith($"The image of user {user.Id} stays where it is: What was stored cannot be read back: "
                + "S3 refused with 403: AccessDenied\n0 of 1 images moved, 0 changed meanwhile, 1 failed.\n");
        }
        (await app.S3.NamesAsync()).Length.ShouldBe(4);
        await ShouldBeSoundAsync();
        (await app.S3.NamesAsync()).ShouldBeEmpty();
        (await PartsAsync(user)).ShouldBe(parts);
        await (await app.ClientFor(user).DeleteAsync("/me/upload-image", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_move_that_is_killed_loses_nothing_and_a_further_one_carries_the_rest()
    {
        const int Images = 24, Kills = 3;
        await using var s3 = new S3Server();
        await s3.StartAsync();
        var (data, images) = (TemporaryDirectory.Make("data"), TemporaryDirectory.Make("images"));
        (string Name, string Value)[] settings =
            [("DataDirectory", data), ("Images__Directory", images), .. s3.Settings, ("Images__Storage", "Local")];
        var named = settings.ToDictionary(s => s.Name, s => s.Value);
        await using (var server = await ServerProcess.StartAsync(settings))
        {
            for (var user = 0; user < Images; user++)
                await Infrastructure.Images.StoreCheckTests.SignUpWithImageAsync(server, user);
            for (var kill = 1; kill <= Kills; kill++)
            {
                await using var move = ServerProcess.Begin(named, "images", "move", "--from", "local", "--to", "s3");
                while ((await s3.NamesAsync()).Length < 16 * kill && !move.HasExited)
                    await Task.Delay(5, Cancellation);
                move.HasExited.ShouldBeFalse(move.Output);
                move.Kill();
            }
            await using var last = ServerProcess.Begin(named, "images", "move", "--from", "local", "--to", "s3");
            (await last.EndedAsync()).ShouldBe(0, last.Output);
            last.Output.ShouldContain(" 0 changed meanwhile, 0 failed.");
            // What the kills left is the outbox's.
            while ((await (await server.Client.GetAsync("/health/ready", Cancellation)).ShouldBeAsync(HttpStatusCode.OK))
                .GetProperty("pending").GetInt32() > 0)
                await Task.Delay(100, Cancellation);
        }
        (await s3.NamesAsync()).Length.ShouldBe(4 * Images);
        Directory.GetFiles(Path.Combine(images, "profile")).ShouldBeEmpty();
        (await ServerProcess.CheckAsync(settings))
            .ShouldBe((0, $"{Images} images, {4 * Images} files and assets, 0 changes of images pending: no fault.\n"));
    }

    async Task<(int ExitCode, string Output)> MoveAsync(string from, string to)
    {
        var (exitCode, output, error) = await app.RunAsync("images", "move", "--from", from, "--to", to);
        error.ShouldBeEmpty();
        return (exitCode, output);
    }

    int Files() => Directory.GetFiles(app.ImageDirectory).Length;

    async Task ShouldBeSoundAsync()
    {
        app.Clock.Advance(TimeSpan.FromMinutes(30));
        while (await app.QueryAsync(db => db.Outbox.AnyAsync(Cancellation)))
        {
            await Task.Delay(100, Cancellation);
            app.Clock.Advance(TimeSpan.FromMinutes(1));
        }
        var (exitCode, said, _) = await app.RunAsync("check");
        app.Clock.Reset();
        exitCode.ShouldBe(0, said);
    }

    async Task<string?> ColourAsync(HttpClient client)
    {
        var image = (await (await client.GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK)).GetProperty("image");
        return image.ValueKind == System.Text.Json.JsonValueKind.Null ? null : image.GetProperty("dominant_color").GetString();
    }

    // The bytes at the shown addresses: the image, and its variants.
    async Task<byte[][]> PartsAsync(TestUser user)
    {
        var client = app.ClientFor(user);
        var image = (await (await client.GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK)).GetProperty("image");
        var parts = new List<byte[]>();
        foreach (var url in image.GetProperty("variants").EnumerateObject().Select(v => v.Value).Prepend(image.GetProperty("url")))
        {
            var address = url.GetString()!;
            parts.Add(address.StartsWith(ProfilesFixture.BaseUrl, StringComparison.Ordinal)
                ? await client.GetByteArrayAsync(address[ProfilesFixture.BaseUrl.Length..], Cancellation)
                : await Plain.GetByteArrayAsync(address, Cancellation));
        }
        return [.. parts];
    }

    async Task<ProfileImage[]> RowsAsync(IEnumerable<TestUser> users)
    {
        var ids = users.Select(u => u.Id).ToArray();
        return await app.QueryAsync(db => db.UserProfiles.AsNoTracking().Where(p => ids.Contains(p.UserId)).OrderBy(p => p.UserId)
            .Select(p => p.Image!).ToArrayAsync(Cancellation));
    }
}
