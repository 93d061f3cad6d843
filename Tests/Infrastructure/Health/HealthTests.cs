using System.Diagnostics;
using System.Net;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Profiles.Infrastructure.Images;

namespace Profiles.Tests.Infrastructure.Health;

/// <summary>A service whose image directory a test makes unusable for a moment.</summary>
public sealed class LocalHealthFixture : ProfilesFixture;

/// <summary>A service that stores its images in a fake Cloudinary, which counts the calls.</summary>
public class RemoteHealthFixture : ProfilesFixture
{
    public CloudinaryDouble Cloudinary { get; private set; } = null!;

    protected virtual string Url => Cloudinary.CloudinaryUrl;

    protected override async ValueTask PreSetupAsync() => Cloudinary = await CloudinaryDouble.StartAsync();

    protected override ValueTask TearDownAsync() => Cloudinary.DisposeAsync();

    protected override void ConfigureApp(IWebHostBuilder a)
    {
        base.ConfigureApp(a);
        a.UseSetting("CLOUDINARY_URL", Url);
        a.UseSetting("Cloudinary:Timeout", "00:00:03");
        a.UseSetting("Cloudinary:ApiBaseAddress", Cloudinary.BaseAddress.GetLeftPart(UriPartial.Authority));
    }
}

/// <summary>The same service with the API secret of another account.</summary>
public sealed class WrongSecretFixture : RemoteHealthFixture
{
    protected override string Url =>
        Cloudinary.CloudinaryUrl.Replace(CloudinaryDouble.Secret, "that-of_another~account", StringComparison.Ordinal);
}

public sealed class LocalHealthTests(LocalHealthFixture app) : TestBase<LocalHealthFixture>
{
    [Fact]
    public async Task The_service_is_ready_but_degraded_while_no_image_can_be_stored()
    {
        var ready = await (await app.Client.GetAsync("/health/ready", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        ready.GetRawText().ShouldBe("""{"status":"ok","checks":{"database":"ok","image_storage":"ok"},"pending":0}""");

        Directory.Delete(app.ImageDirectory);
        await File.WriteAllTextAsync(app.ImageDirectory, "not a directory", Cancellation);
        (await BecomesAsync("degraded"))
            .ShouldBe("""{"status":"degraded","checks":{"database":"ok","image_storage":"failed"},"pending":0}""");
        await (await app.Client.GetAsync("/health/live", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);

        File.Delete(app.ImageDirectory);
        await BecomesAsync("ok");
    }

    [Fact]
    public async Task The_database_is_checked_at_most_once_a_second_and_without_a_transaction()
    {
        var watch = Stopwatch.StartNew();
        for (var round = 0; round < 5; round++)
        {
            foreach (var response in await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => app.Client.SendAsync(Traced(), Cancellation))))
                await response.ShouldBeAsync(HttpStatusCode.OK);
        }
        var commands = app.Services.GetRequiredService<CommandLog>().Of(nameof(LocalHealthTests));
        commands.Count.ShouldBeInRange(0, 1 + (int)watch.Elapsed.TotalSeconds);
        commands.ShouldAllBe(c => c.Text.StartsWith("SELECT"));

        static HttpRequestMessage Traced()
        {
            var message = new HttpRequestMessage(HttpMethod.Get, "/health/ready");
            message.Headers.Add("X-Test-Trace", nameof(LocalHealthTests));
            return message;
        }
    }

    // The answer is cached for a second.
    async Task<string> BecomesAsync(string status)
    {
        var patience = Stopwatch.StartNew();
        while (true)
        {
            var ready = await (await app.Client.GetAsync("/health/ready", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
            if (ready.GetProperty("status").GetString() == status || patience.Elapsed > TimeSpan.FromSeconds(15))
            {
                ready.GetProperty("status").GetString().ShouldBe(status);
                return ready.GetRawText();
            }
            await Task.Delay(100, Cancellation);
        }
    }
}

// Independent of the database, so it runs on one engine only.
[Trait("Database", "Sqlite")]
public sealed class RemoteHealthTests(RemoteHealthFixture app, WrongSecretFixture wrong)
    : TestBase<RemoteHealthFixture>, IClassFixture<WrongSecretFixture>
{
    [Fact]
    public async Task Cloudinary_is_checked_at_most_once_in_half_a_minute()
    {
        var (watch, before) = (Stopwatch.StartNew(), Pings());
        for (var round = 0; round < 3; round++)
        {
            foreach (var response in await Task.WhenAll(Enumerable.Range(0, 20)
                .Select(_ => app.Client.GetAsync("/health/ready", Cancellation))))
                await response.ShouldBeAsync(HttpStatusCode.OK);
            await Task.Delay(1100, Cancellation);
        }
        // Once, and again every ten seconds when a slow machine makes Cloudinary seem to fail.
        Pings().ShouldBeInRange(1, before + 1 + (int)(watch.Elapsed.TotalSeconds / 10));

        int Pings() => app.Cloudinary.Calls.Count(c => c.Path.EndsWith("/ping"));
    }

    [Fact]
    public async Task A_secret_that_Cloudinary_refuses_degrades_the_service()
    {
        var ready = await (await wrong.Client.GetAsync("/health/ready", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        ready.GetProperty("status").GetString().ShouldBe("degraded");
        ready.GetProperty("checks").GetRawText().ShouldBe("""{"database":"ok","image_storage":"failed"}""");
    }

    public static TheoryData<string, bool> Answers =>
        new() { { "200", true }, { "420", true }, { "429", true }, { "401", false }, { "403", false }, { "404", false }, { "500", false },
            { "503", false }, { "nothing", false } };

    [Theory]
    [MemberData(nameof(Answers))]
    public async Task Cloudinary_fails_the_check_without_an_answer_or_with_a_refused_key_and_not_when_the_rate_limit_is_exceeded(
        string answer,
        bool isFine)
    {
        app.Cloudinary.OnAdmin = answer switch
        {
            "200" => CloudinaryBehaviour.Normal,
            "nothing" => CloudinaryBehaviour.Hang,
            _ => CloudinaryBehaviour.Status(int.Parse(answer, System.Globalization.CultureInfo.InvariantCulture)),
        };
        try
        {
            var look = app.Services.GetRequiredService<IImageStorage>().CheckAsync(Cancellation);
            (await look.ContinueWith(t => t.IsCompletedSuccessfully, TaskScheduler.Default)).ShouldBe(isFine);
        }
        finally
        {
            app.Cloudinary.OnAdmin = CloudinaryBehaviour.Normal;
        }
    }
}
