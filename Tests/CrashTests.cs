using System.Globalization;
using System.Net;
using System.Net.Http.Json;

namespace Profiles.Tests;

/// <summary>
/// The service is killed with SIGKILL while several people put up, replace and take down pictures, and started again, many times: what was acknowledged is shown and loads, and
/// when the outbox is empty nothing is kept that no profile shows. A short run is one of the tests; <c>./dev try crash</c> is the long one.
/// </summary>
public sealed class CrashTests(ITestOutputHelper output)
{
    const int People = 4;

    static readonly int Kills = int.Parse(Environment.GetEnvironmentVariable("PROFILES_TRIAL_KILLS") ?? "6", CultureInfo.InvariantCulture);

    readonly string data = TemporaryDirectory.Make("data");
    readonly string pictures = TemporaryDirectory.Make("pictures");

    // Small ones: the time goes into the steps that a crash can part, not into decoding.
    readonly byte[][] choice = [.. Enumerable.Range(0, 5).Select(i => Picture.Png(40, 30, (byte)(50 * i), (byte)(255 - (50 * i)), 128))];

    int acknowledged, cutOff;

    static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public Task No_acknowledged_picture_in_the_directory_is_lost_and_no_other_is_left() =>
        TryAsync([], () => Directory.EnumerateFiles(Path.Combine(pictures, "profile")).Count(), filesOfAPicture: 4);

    [Fact]
    public async Task No_acknowledged_picture_at_Cloudinary_is_lost_and_no_other_is_left()
    {
        await using var cloudinary = await CloudinaryDouble.StartAsync();
        // Long ago, so that what is left over is nobody's present upload.
        cloudinary.Age = TimeSpan.FromHours(1);
        await TryAsync(
            [("CLOUDINARY_URL", cloudinary.CloudinaryUrl), ("Cloudinary__ApiBaseAddress", cloudinary.BaseAddress.GetLeftPart(UriPartial.Authority)), ("Cloudinary__Timeout", "00:00:02.5")],
            () => cloudinary.Assets.Count, filesOfAPicture: 1);
    }

    async Task TryAsync((string, string)[] storage, Func<int> kept, int filesOfAPicture)
    {
        (string, string)[] settings = [("DataDirectory", data), ("Images__Directory", pictures), ("Images__Grace", "00:00:03"), .. storage];
        var people = new List<Person>();
        var random = new Random(20261121);
        for (var kill = 0; kill < Kills; kill++)
        {
            await using var server = await ServerProcess.StartAsync(settings);
            while (people.Count < People)
                people.Add(await Person.JoinAsync(server));
            foreach (var person in people)
                await person.ShouldBeWholeAsync(server);
            var work = people.Select(person => Task.Run(() => WorkAsync(server, person, new Random(random.Next())))).ToArray();
            // Every third kill meets what a start does besides; before the others something was acknowledged.
            var before = acknowledged;
            while (kill % 3 != 0 && acknowledged == before)
                await Task.Delay(5, Token);
            await Task.Delay(random.Next(5, 400), Token);
            server.Kill();
            await Task.WhenAll(work);
        }
        await using (var last = await ServerProcess.StartAsync(settings))
        {
            foreach (var person in people)
                await person.ShouldBeWholeAsync(last);
            await DrainAsync(last);
        }
        var (exitCode, said) = await ServerProcess.CheckAsync(settings);
        said.ShouldEndWith(": no fault.\n");
        exitCode.ShouldBe(0, said);
        kept().ShouldBe(filesOfAPicture * people.Count(p => p.Shown is not null));
        acknowledged.ShouldBeGreaterThanOrEqualTo(Kills / 2);
        output.WriteLine($"{Kills} kills, {acknowledged} changes acknowledged and found, {cutOff} cut off; {said.TrimEnd()}");
    }

    async Task WorkAsync(ServerProcess server, Person person, Random random)
    {
        using var client = person.Client(server);
        try
        {
            while (true)
            {
                person.Unknown = true;
                if (random.Next(4) == 0)
                {
                    var response = await client.DeleteAsync("/me/upload-image", Token);
                    response.StatusCode.ShouldBeOneOf(HttpStatusCode.OK, HttpStatusCode.NotFound);
                    person.Shown = null;
                }
                else
                {
                    var response = await client.UploadAsync(choice[random.Next(choice.Length)], Token);
                    person.Shown = (await response.ShouldBeAsync(HttpStatusCode.OK)).GetProperty("image_url").GetString();
                }
                person.Unknown = false;
                Interlocked.Increment(ref acknowledged);
            }
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            // The kill: what was asked for last may have been done or not.
            Interlocked.Increment(ref cutOff);
        }
    }

    static async Task DrainAsync(ServerProcess server)
    {
        while ((await (await server.Client.GetAsync("/health/ready", Token)).ShouldBeAsync(HttpStatusCode.OK)).GetProperty("pending").GetInt32() > 0)
            await Task.Delay(100, Token);
    }

    sealed class Person
    {
        string token = "";

        /// <summary>The address that was acknowledged last; null for no picture.</summary>
        public string? Shown { get; set; }

        /// <summary>Whether a change after it was not answered.</summary>
        public bool Unknown { get; set; }

        public static async Task<Person> JoinAsync(ServerProcess server)
        {
            var email = $"{Guid.NewGuid():N}@example.com";
            (await server.Client.PostAsJsonAsync("/register", new { name = "John", email, password = "12345678" }, Token)).EnsureSuccessStatusCode();
            var login = await server.Client.PostAsJsonAsync("/login", new { email, password = "12345678" }, Token);
            return new() { token = (await login.ShouldBeAsync(HttpStatusCode.OK)).GetProperty("access_token").GetString()! };
        }

        public HttpClient Client(ServerProcess server) => new() { BaseAddress = server.Address, DefaultRequestHeaders = { Authorization = new("Bearer", token) } };

        public async Task ShouldBeWholeAsync(ServerProcess server)
        {
            using var client = Client(server);
            var me = await (await client.GetAsync("/me", Token)).ShouldBeAsync(HttpStatusCode.OK);
            // Another process has another port.
            var url = Path(me.GetProperty("image_url").GetString());
            if (!Unknown)
                url.ShouldBe(Path(Shown), "What was acknowledged is not shown.");
            (Shown, Unknown) = (url, false);
            if (url is ['/', ..])
                await ShouldLoadAsync(client, [url, .. me.GetProperty("image").GetProperty("variants").EnumerateObject().Select(v => Path(v.Value.GetString())!)]);
        }

        static async Task ShouldLoadAsync(HttpClient client, string[] urls)
        {
            foreach (var url in urls)
            {
                using var response = await client.GetAsync(url, Token);
                response.StatusCode.ShouldBe(HttpStatusCode.OK, url);
                response.Headers.CacheControl!.ToString().ShouldContain("immutable", Case.Sensitive, url);
                Jpeg.Read(await response.Content.ReadAsByteArrayAsync(Token)).Width.ShouldBeInRange(30, 40);
            }
        }

        static string? Path(string? url) => url is not null && new Uri(url) is { Host: "127.0.0.1" } ours ? ours.PathAndQuery : url;
    }
}
