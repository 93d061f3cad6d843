using System.Net;

namespace Profiles.Tests.Infrastructure.Decoding;

/// <summary>The process grows by the uploads' bytes and not by what the runtime adds to them.</summary>
// Independent of the database, so it runs on one engine only.
[Trait("Database", "Sqlite")]
[Trait("Needs", "Process")]
public sealed class UploadMemoryTests
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_service_grows_by_the_uploads_size_and_returns_the_memory()
    {
        // In MB; Overhead is for what the runtime needs for a hundred requests.
        const int Uploads = 6, Each = 20, Overhead = 80;
        await using var server = await ServerProcess.StartAsync(("Images__UploadMemory", $"{128 * 1024 * 1024}"));
        using var user = await ServerUser.SignUpAsync(server, Ct);
        await user.StoreAsync(TestImage.Bytes("upright.jpg"), Ct);
        var service = new LinuxProcess(server.ProcessId);
        var before = service.ForgetPeak();
        for (var round = 0; round < 3; round++)
        {
            HeldContent[] held =
                [.. Enumerable.Range(0, Uploads).Select(_ => HeldContent.Image(new byte[Each * 1_000_000], (Each * 1_000_000) - 1000))];
            var answers = Task.WhenAll(held.Select(h => user.Client.PostAsync("/me/upload-image", h, Ct)));
            await LinuxProcess.UntilAsync(
                () => service.Megabytes("VmRSS") > before + (Uploads * Each) - Each || answers.IsCompleted,
                () => "The uploads do not arrive.");
            Array.ForEach(held, h => h.Release());
            (await answers).ShouldAllBe(a => a.StatusCode == HttpStatusCode.BadRequest);
        }
        (service.Megabytes("VmHWM") - before).ShouldBeLessThan((Uploads * Each) + Overhead);
        await LinuxProcess.UntilAsync(() => service.Megabytes("VmRSS") < before + Overhead,
            () => $"The service keeps {service.Megabytes("VmRSS") - before} MB.");
    }
}
