using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;

namespace Profiles.Tests;

/// <summary>
/// Kills the service with SIGKILL and restarts it many times while several users upload, replace and delete images, and change their names
/// beside that. Acknowledged names and images are shown, the images load, and once the outbox is empty no other file is left.
/// <c>./dev try crash</c> runs the same for longer.
/// </summary>
[Trait("Needs", "Process")]
public sealed class CrashTests(ITestOutputHelper output)
{
    const int People = 4;

    static readonly int Kills = int.Parse(Environment.GetEnvironmentVariable("PROFILES_TRIAL_KILLS") ?? "3", CultureInfo.InvariantCulture);

    readonly string data = TemporaryDirectory.Make("data");
    readonly string images = TemporaryDirectory.Make("images");

    // Small images spend the time on the steps that a crash can separate, not on decoding.
    readonly byte[][] choice = [.. Enumerable.Range(0, 5).Select(i => TestImage.Png(40, 30, (byte)(50 * i), (byte)(255 - (50 * i)), 128))];

    int acknowledged, renamed, cutOff;

    static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public Task No_acknowledged_image_in_the_directory_is_lost_and_no_other_is_left() =>
        TryAsync(
            [("Images__Grace", "00:00:03")], () => Directory.EnumerateFiles(Path.Combine(images, "profile")).Count(), filesPerImage: 4);

    [Fact, Trait("Database", "Sqlite")]
    public async Task No_acknowledged_image_at_Cloudinary_is_lost_and_no_other_is_left()
    {
        await using var cloudinary = await CloudinaryDouble.StartAsync();
        // An old age, so that no orphan counts as an upload in progress.
        cloudinary.Age = TimeSpan.FromHours(1);
        await TryAsync(
            [("CLOUDINARY_URL", cloudinary.CloudinaryUrl),
                ("Cloudinary__ApiBaseAddress", cloudinary.BaseAddress.GetLeftPart(UriPartial.Authority)),
                ("Cloudinary__Timeout", "00:00:02.5"), ("Images__Grace", "00:00:03")],
            () => cloudinary.Assets.Count, filesPerImage: 1);
    }

    [Fact, Trait("Database", "Sqlite")]
    public async Task No_acknowledged_image_in_S3_is_lost_and_no_other_is_left()
    {
        await using var s3 = new S3Server();
        await s3.StartAsync();
        await TryAsync(
            [.. s3.Settings, ("Images__Storage", "S3")], () => s3.NamesAsync().GetAwaiter().GetResult().Length, filesPerImage: 4);
    }

    async Task TryAsync((string, string)[] storage, Func<int> kept, int filesPerImage)
    {
        (string, string)[] settings = [("DataDirectory", data), ("Images__Directory", images), .. storage];
        var people = new List<Person>();
        var random = new Random(20261121);
        for (var kill = 0; kill < Kills; kill++)
        {
            await using var server = await StartAsync(settings);
            while (people.Count < People)
                people.Add(await Person.JoinAsync(server));
            foreach (var person in people)
                await person.ShouldBeWholeAsync(server);
            var seeds = people.Select(_ => random.Next()).ToArray();
            // The changes of the names are committed in groups.
            var work = people.Zip(seeds, (person, seed) => Task.Run(() => WorkAsync(server, person, new Random(seed))))
                .Concat(people.Select(person => Task.Run(() => RenameAsync(server, person)))).ToArray();
            // Every third kill may hit the start itself; the others wait for an acknowledged change.
            var before = acknowledged;
            while (kill % 3 != 0 && acknowledged < before + 4 && work.Any(w => !w.IsCompleted))
                await Task.Delay(5, Token);
            await Task.Delay(random.Next(5, 400), Token);
            server.Kill();
            await Task.WhenAll(work);
        }
        await using (var last = await StartAsync(settings))
        {
            foreach (var person in people)
                await person.ShouldBeWholeAsync(last);
            await DrainAsync(last);
        }
        var (exitCode, said) = await ServerProcess.CheckAsync(settings);
        said.ShouldEndWith(": no fault.\n");
        exitCode.ShouldBe(0, said);
        kept().ShouldBe(filesPerImage * people.Count(p => p.Shown is not null));
        acknowledged.ShouldBeGreaterThanOrEqualTo(Kills);
        renamed.ShouldBeGreaterThanOrEqualTo(Kills);
        output.WriteLine(
            $"{Kills} kills, {acknowledged} images and {renamed} names acknowledged and found, {cutOff} cut off; {said.TrimEnd()}");
    }

    // Some users have all their answers when the kill comes.
    async Task WorkAsync(ServerProcess server, Person person, Random random)
    {
        using var client = person.Client(server);
        try
        {
            for (var changes = random.Next(2) == 0 ? random.Next(1, 4) : int.MaxValue; changes > 0; changes--)
            {
                if (random.Next(4) == 0)
                {
                    person.Attempt = Attempt.Delete;
                    var response = await client.DeleteAsync("/me/upload-image", Token);
                    response.StatusCode.ShouldBeOneOf(HttpStatusCode.OK, HttpStatusCode.NotFound);
                    person.Acknowledge(null);
                }
                else
                {
                    person.Attempt = Attempt.Upload;
                    var response = await client.UploadAsync(choice[random.Next(choice.Length)], Token);
                    person.Acknowledge((await response.ShouldBeAsync(HttpStatusCode.OK)).GetProperty("image_url").GetString());
                }
                Interlocked.Increment(ref acknowledged);
            }
        }
        catch (Exception e) when (IsCutOff(e))
        {
            // The last request may have taken effect or not.
            Interlocked.Increment(ref cutOff);
        }
    }

    async Task RenameAsync(ServerProcess server, Person person)
    {
        using var client = person.Client(server);
        try
        {
            while (true)
            {
                person.NextName = $"Name {Guid.NewGuid():N}";
                var answer = await client.PutAsJsonAsync("/me", new { name = person.NextName }, Token);
                answer.StatusCode.ShouldBe(HttpStatusCode.OK, $"{await answer.Content.ReadAsStringAsync(Token)}\n{server.Output}");
                person.Name = person.NextName;
                Interlocked.Increment(ref renamed);
            }
        }
        catch (Exception e) when (IsCutOff(e))
        {
            Interlocked.Increment(ref cutOff);
        }
    }

    // SocketException: the server was killed before the client had read its address.
    static bool IsCutOff(Exception e) => e is HttpRequestException or IOException or SocketException;

    // Waits for readiness, not only for liveness: a remote database is slow on a busy machine.
    static async Task<ServerProcess> StartAsync((string, string)[] settings)
    {
        var server = await ServerProcess.StartAsync(settings);
        while ((await server.Client.GetAsync("/health/ready", Token)).StatusCode != HttpStatusCode.OK)
            await Task.Delay(50, Token);
        return server;
    }

    static async Task DrainAsync(ServerProcess server)
    {
        while ((await (await server.Client.GetAsync("/health/ready", Token)).ShouldBeAsync(HttpStatusCode.OK))
            .GetProperty("pending").GetInt32() > 0)
            await Task.Delay(100, Token);
    }

    /// <summary>The request without an answer.</summary>
    enum Attempt
    {
        None,
        Upload,
        Delete,
    }

    sealed class Person
    {
        string token = "";

        /// <summary>The last acknowledged address; null for no image.</summary>
        public string? Shown { get; private set; }

        public Attempt Attempt { get; set; }

        /// <summary>The last acknowledged name.</summary>
        public string Name { get; set; } = "John";

        /// <summary>The last name that was sent.</summary>
        public string NextName { get; set; } = "John";

        public void Acknowledge(string? url) => (Shown, Attempt) = (Path(url), Attempt.None);

        public static async Task<Person> JoinAsync(ServerProcess server)
        {
            var email = $"{Guid.NewGuid():N}@example.com";
            (await server.Client.PostAsJsonAsync("/register", new { name = "John", email, password = "plum-tram-94" }, Token))
                .EnsureSuccessStatusCode();
            var login = await server.Client.PostAsJsonAsync("/login", new { email, password = "plum-tram-94" }, Token);
            return new() { token = (await login.ShouldBeAsync(HttpStatusCode.OK)).GetProperty("access_token").GetString()! };
        }

        public HttpClient Client(ServerProcess server) =>
            new() { BaseAddress = server.Address, DefaultRequestHeaders = { Authorization = new("Bearer", token) } };

        public async Task ShouldBeWholeAsync(ServerProcess server)
        {
            using var client = Client(server);
            var me = await (await client.GetAsync("/me", Token)).ShouldBeAsync(HttpStatusCode.OK);
            var name = me.GetProperty("name").GetString()!;
            name.ShouldBeOneOf(Name, NextName);
            Name = name;
            // Each process has a new port.
            var url = Path(me.GetProperty("image_url").GetString());
            // The profile shows the acknowledged image or the result of the unanswered request.
            if (url != Shown)
                (Attempt, HasImage: url is not null)
                    .ShouldBeOneOf([(Attempt.Upload, true), (Attempt.Delete, false)], $"{Shown} was acknowledged, and {url} is shown.");
            Acknowledge(me.GetProperty("image_url").GetString());
            // The double of Cloudinary delivers nothing.
            if (url?.Contains("res.cloudinary.com", StringComparison.Ordinal) is false)
                await ShouldLoadAsync(client,
                    [me.GetProperty("image").GetProperty("url"),
                        .. me.GetProperty("image").GetProperty("variants").EnumerateObject().Select(v => v.Value)]);
        }

        static async Task ShouldLoadAsync(HttpClient client, JsonElement[] urls)
        {
            // A presigned address takes no other authorization.
            using var anonymous = new HttpClient { BaseAddress = client.BaseAddress };
            foreach (var url in urls.Select(u => u.GetString()!))
            {
                using var response = await anonymous.GetAsync(url, Token);
                response.StatusCode.ShouldBe(HttpStatusCode.OK, url);
                response.Headers.CacheControl!.ToString().ShouldContain("immutable", Case.Sensitive, url);
                Jpeg.Read(await response.Content.ReadAsByteArrayAsync(Token)).Width.ShouldBeInRange(30, 40);
            }
        }

        // Without the port of a process, and without the signature of a time.
        static string? Path(string? url) => url is null ? null
            : new Uri(url) is { AbsolutePath: ['/', 's', 't', 'a', 't', 'i', 'c', '/', ..] } ours ? ours.PathAndQuery
            : url.Split('?')[0];
    }
}
