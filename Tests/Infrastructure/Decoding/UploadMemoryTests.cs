using System.Net;

namespace Profiles.Tests.Infrastructure.Decoding;

/// <summary>What uploads hold is what is set, and not what the runtime makes of it.</summary>
// The database has no part in it: once is enough.
[Trait("Database", "Sqlite")]
[Trait("Needs", "Process")]
public sealed class UploadMemoryTests
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_service_grows_by_what_uploads_may_hold_and_gives_it_back()
    {
        // In MB; what a runtime takes for a hundred requests is allowed for.
        const int Uploads = 6, Each = 20, Besides = 80;
        await using var server = await ServerProcess.StartAsync(("Images__UploadMemory", $"{128 * 1024 * 1024}"));
        using var user = await ServerUser.SignUpAsync(server, Ct);
        await user.StoreAsync(Picture.Bytes("upright.jpg"), Ct);
        var service = new LinuxProcess(server.ProcessId);
        var before = service.ForgetPeak();
        for (var round = 0; round < 3; round++)
        {
            HeldContent[] held = [.. Enumerable.Range(0, Uploads).Select(_ => HeldContent.Image(new byte[Each * 1_000_000], (Each * 1_000_000) - 1000))];
            var answers = Task.WhenAll(held.Select(h => user.Client.PostAsync("/me/upload-image", h, Ct)));
            await LinuxProcess.UntilAsync(() => service.Megabytes("VmRSS") > before + (Uploads * Each) - Each || answers.IsCompleted, () => "They do not arrive.");
            Array.ForEach(held, h => h.Release());
            (await answers).ShouldAllBe(a => a.StatusCode == HttpStatusCode.BadRequest);
        }
        (service.Megabytes("VmHWM") - before).ShouldBeLessThan((Uploads * Each) + Besides);
        await LinuxProcess.UntilAsync(() => service.Megabytes("VmRSS") < before + Besides, () => $"It keeps {service.Megabytes("VmRSS") - before} MB.");
    }
}
