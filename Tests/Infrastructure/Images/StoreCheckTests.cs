using System.Net;
using System.Net.Http.Json;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Commands;
using Profiles.Infrastructure.Decoding;

namespace Profiles.Tests.Infrastructure.Images;

/// <summary>The data of a stopped service with the images of six users; the tests damage copies of it.</summary>
public sealed class SoundStore : IAsyncLifetime
{
    public const int Users = 6;

    public string Data { get; } = TemporaryDirectory.Make("data");

    public string Images { get; } = TemporaryDirectory.Make("images");

    public async ValueTask InitializeAsync()
    {
        await using var server = await ServerProcess.StartAsync(("DataDirectory", Data), ("Images__Directory", Images));
        for (var user = 1; user <= Users; user++)
            await StoreCheckTests.SignUpWithImageAsync(server, user);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}

/// <summary>The faults that <c>Profiles check</c> finds.</summary>
[Trait("Needs", "Process")]
public sealed class StoreCheckTests(SoundStore sound) : IClassFixture<SoundStore>
{
    readonly string data = TemporaryDirectory.Make("data");
    readonly string images = TemporaryDirectory.Make("images");

    static CancellationToken Token => TestContext.Current.CancellationToken;

    string Folder => Path.Combine(images, "profile");

    (string, string)[] Settings => [("DataDirectory", data), ("Images__Directory", images), ("Images__Grace", "00:00:01")];

    [Fact, Trait("Database", "Sqlite")]
    public async Task Every_fault_of_the_directory_is_reported_and_nothing_is_changed()
    {
        Copy(sound.Data, data);
        Copy(Path.Combine(sound.Images, "profile"), Folder);
        var (whole, calm) = await ServerProcess.CheckAsync(Settings);
        (whole, calm).ShouldBe((0, "6 images, 24 files and assets, 0 changes of images pending: no fault.\n"));

        File.Delete(Of("1.jpg"));
        File.Delete(Variant(2, 96));
        await File.WriteAllBytesAsync(Of("3.jpg"), (await File.ReadAllBytesAsync(Of("3.jpg"), Token))[..^20], Token);
        File.Copy(Of("5.jpg"), Of("4.jpg"), overwrite: true);
        await File.WriteAllTextAsync(Variant(5, 256), "no image", Token);
        string[] strays = ["999.jpg", "6.0badf00d.jpg", ".6.4711.tmp", "something else"];
        foreach (var stray in strays)
        {
            await File.WriteAllBytesAsync(Of(stray), [1, 2, 3], Token);
            File.SetLastWriteTimeUtc(Of(stray), TimeProvider.System.GetUtcNow().UtcDateTime.AddHours(-1));
        }
        var before = Directory.GetFiles(Folder).Order().ToArray();
        var (exitCode, said) = await ServerProcess.CheckAsync(Settings);
        exitCode.ShouldBe(1);
        said.TrimEnd().Split('\n').ShouldBe(
        [
            "The file .6.4711.tmp belongs to no profile.",
            "The file 6.0badf00d.jpg belongs to no profile.",
            "The file 999.jpg belongs to no profile.",
            "The file something else belongs to no profile.",
            "The image of user 1 is missing (1.jpg).",
            $"The image of user 2 is missing ({Path.GetFileName(Variant(2, 96, exists: false))}).",
            "The image of user 3 is not the one that the profile names (3.jpg).",
            "The image of user 4 is not the one that the profile names (4.jpg).",
            $"The image of user 5 cannot be read or decoded ({Path.GetFileName(Variant(5, 256))}).",
            "6 images, 26 files and assets, 0 changes of images pending: 9 faults.",
        ]);
        Directory.GetFiles(Folder).Order().ShouldBe(before);
    }

    [Fact]
    public async Task A_young_file_and_a_file_of_an_outbox_entry_are_not_faults()
    {
        Copy(Path.Combine(sound.Images, "profile"), Folder);
        await File.WriteAllBytesAsync(Of("1.0badf00d.jpg"), [1, 2, 3], Token);
        var (exitCode, said) = await ServerProcess.CheckAsync(("DataDirectory", sound.Data), ("Images__Directory", images));
        (exitCode, said).ShouldBe((0, "6 images, 25 files and assets, 0 changes of images pending: no fault.\n"));
    }

    [Fact, Trait("Database", "Sqlite")]
    public async Task Missing_and_orphaned_images_at_Cloudinary_are_reported()
    {
        await using var cloudinary = await CloudinaryDouble.StartAsync();
        cloudinary.Age = TimeSpan.FromHours(1);
        (string, string)[] settings =
            [.. Settings, ("CLOUDINARY_URL", cloudinary.CloudinaryUrl),
                ("Cloudinary__ApiBaseAddress", cloudinary.BaseAddress.GetLeftPart(UriPartial.Authority)),
                ("Cloudinary__Timeout", "00:00:00.9")];
        await using (var server = await ServerProcess.StartAsync(settings))
        {
            for (var user = 1; user <= 4; user++)
                await SignUpWithImageAsync(server, user);
        }
        (await ServerProcess.CheckAsync(settings)).ShouldBe((0, "4 images, 4 files and assets, 0 changes of images pending: no fault.\n"));

        var lost = cloudinary.Assets.Keys.First();
        cloudinary.Move(lost, "profile_images/nobodys");
        var (exitCode, said) = await ServerProcess.CheckAsync(settings);
        exitCode.ShouldBe(1);
        said.ShouldContain("The asset profile_images/nobodys belongs to no profile.");
        said.ShouldContain($" is missing at Cloudinary ({lost}).");
        said.ShouldEndWith(": 2 faults.\n");
        said.ShouldNotContain(CloudinaryDouble.Secret);
    }

    [Fact, Trait("Database", "Sqlite")]
    public async Task Damage_inside_the_database_file_is_reported_and_a_missing_file_is_not_created()
    {
        var (missing, sentence) = await ServerProcess.CheckAsync(Settings);
        missing.ShouldBe(1);
        sentence.ShouldContain("The database");
        File.Exists(Path.Combine(data, "profiles.db")).ShouldBeFalse();

        Copy(sound.Data, data);
        Copy(Path.Combine(sound.Images, "profile"), Folder);
        await using (var connection = new SqliteConnection($"Data Source={Path.Combine(data, "profiles.db")};Pooling=false"))
        {
            await connection.OpenAsync(Token);
            await using var command = connection.CreateCommand();
            command.CommandText = "PRAGMA foreign_keys=OFF; INSERT INTO user_profiles (user_id, name, version, updated_at) "
                + "VALUES (4711, 'Nobody', 1, '2026-01-01 00:00:00')";
            await command.ExecuteNonQueryAsync(Token);
        }
        var (damaged, said) = await ServerProcess.CheckAsync(Settings);
        damaged.ShouldBe(1);
        said.ShouldBe("A row of user_profiles refers to one that is not there.\n"
            + "6 images, 24 files and assets, 0 changes of images pending: 1 faults.\n");
    }

    [Fact]
    public async Task Where_no_worker_starts_the_check_says_so()
    {
        var installation = new Installation();
        await installation.SucceedAsync("migrate");
        var (exitCode, said) = await installation.UseAsync(async services =>
        {
            services.GetRequiredService<IOptions<DecodingOptions>>().Value.WorkerMemory = 1;
            return await CapturedConsole.OfAsync(() => CommandLine.Parse(["check"]).RunAsync(services, Console.Out, terminal: null));
        });
        exitCode.ShouldBe(1);
        said.ShouldStartWith("The process that decodes images does not start; Images__WorkerMemory may be too low. ");
        said.Split('\n', StringSplitOptions.RemoveEmptyEntries).ShouldHaveSingleItem();
    }

    string Of(string name) => Path.Combine(Folder, name);

    static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.GetFiles(from))
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
    }

    readonly Dictionary<(int, int), string> variants = [];

    // The path of a variant's file, remembered after a test deletes the file.
    string Variant(int user, int side, bool exists = true) =>
        variants[(user, side)] = exists && !variants.ContainsKey((user, side))
            ? Directory.GetFiles(Folder, $"{user}_{side}.*.jpg").Single()
            : variants[(user, side)];

    internal static async Task SignUpWithImageAsync(ServerProcess server, int user)
    {
        var email = $"{user}@example.com";
        (await server.Client.PostAsJsonAsync("/register", new { name = "John", email, password = "plum-tram-94" }, Token))
            .EnsureSuccessStatusCode();
        var login = await (await server.Client.PostAsJsonAsync("/login", new { email, password = "plum-tram-94" }, Token))
            .ShouldBeAsync(HttpStatusCode.OK);
        using var client = new HttpClient(new DocumentedAnswers { InnerHandler = new SocketsHttpHandler() })
        {
            BaseAddress = server.Address,
            DefaultRequestHeaders = { Authorization = new("Bearer", login.GetProperty("access_token").GetString()) }
        };
        await client.UploadForUrlAsync(TestImage.Png(60 + user, 40, (byte)(40 * user), 0, 128), Token);
    }
}
