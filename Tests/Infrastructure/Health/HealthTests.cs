using System.Diagnostics;
using System.Net;
using FastEndpoints.Testing;
using Microsoft.AspNetCore.Hosting;

namespace Profiles.Tests.Infrastructure.Health;

/// <summary>A service whose image directory a test takes away for a moment.</summary>
public sealed class LocalHealthFixture : ProfilesFixture;

/// <summary>A service whose pictures are at a Cloudinary that counts who asks.</summary>
public sealed class RemoteHealthFixture : ProfilesFixture
{
    public CloudinaryDouble Cloudinary { get; private set; } = null!;

    protected override async ValueTask PreSetupAsync() => Cloudinary = await CloudinaryDouble.StartAsync();

    protected override ValueTask TearDownAsync() => Cloudinary.DisposeAsync();

    protected override void ConfigureApp(IWebHostBuilder a)
    {
        base.ConfigureApp(a);
        a.UseSetting("CLOUDINARY_URL", Cloudinary.CloudinaryUrl);
        a.UseSetting("Cloudinary:ApiBaseAddress", Cloudinary.BaseAddress.GetLeftPart(UriPartial.Authority));
    }
}

public sealed class LocalHealthTests(LocalHealthFixture app) : TestBase<LocalHealthFixture>
{
    [Fact]
    public async Task It_is_ready_until_no_picture_can_be_stored_and_again_when_one_can()
    {
        var ready = await (await app.Client.GetAsync("/health/ready", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        ready.GetRawText().ShouldBe("""{"status":"ok","checks":{"database":"ok","image_storage":"ok"},"pending":0}""");

        Directory.Delete(app.ImageDirectory);
        await File.WriteAllTextAsync(app.ImageDirectory, "not a directory", Cancellation);
        var response = await BecomesAsync(HttpStatusCode.ServiceUnavailable);
        var problem = await response.ShouldBeProblemAsync(HttpStatusCode.ServiceUnavailable, "The service is not ready.");
        problem.GetProperty("checks").GetRawText().ShouldBe("""{"database":"ok","image_storage":"failed"}""");
        response.Headers.RetryAfter!.Delta!.Value.ShouldBeGreaterThan(TimeSpan.Zero);
        await (await app.Client.GetAsync("/health/live", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);

        File.Delete(app.ImageDirectory);
        await BecomesAsync(HttpStatusCode.OK);
    }

    // What was found lasts for some seconds.
    async Task<HttpResponseMessage> BecomesAsync(HttpStatusCode status)
    {
        var patience = Stopwatch.StartNew();
        while (true)
        {
            var response = await app.Client.GetAsync("/health/ready", Cancellation);
            if (response.StatusCode == status || patience.Elapsed > TimeSpan.FromSeconds(15))
            {
                response.StatusCode.ShouldBe(status);
                return response;
            }
            await Task.Delay(100, Cancellation);
        }
    }
}

public sealed class RemoteHealthTests(RemoteHealthFixture app) : TestBase<RemoteHealthFixture>
{
    [Fact]
    public async Task However_often_anyone_asks_the_storage_is_not_asked_each_time()
    {
        var watch = Stopwatch.StartNew();
        for (var round = 0; round < 5; round++)
        {
            foreach (var response in await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => app.Client.GetAsync("/health/ready", Cancellation))))
                await response.ShouldBeAsync(HttpStatusCode.OK);
        }
        // Once, and once more for every three seconds that a slow machine takes for this.
        app.Cloudinary.Calls.Count.ShouldBeInRange(1, 1 + (int)(watch.Elapsed.TotalSeconds / 3));
    }
}
