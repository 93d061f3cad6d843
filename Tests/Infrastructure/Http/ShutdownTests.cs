using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Profiles.Tests.Infrastructure.Http;

/// <summary>A service that is told to stop ends its requests first, within a time.</summary>
[Trait("Database", "Sqlite"), Trait("Needs", "Process")]
public sealed class ShutdownTests
{
    static readonly TimeSpan Grace = TimeSpan.FromSeconds(4);

    [Fact]
    public async Task SIGTERM_lets_a_request_finish_cuts_one_that_does_not_and_ends_with_0_in_time()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var server = await ServerProcess.StartAsync(("ShutdownTimeout", $"{Grace}"));
        // Nothing is exported and no mail is written, so nothing of OpenTelemetry and of the templates is there.
        new LinuxProcess(server.ProcessId).Loaded.Select(Path.GetFileName).Where(f => f!.EndsWith(".dll", StringComparison.Ordinal))
            .ShouldSatisfyAllConditions(
                loaded => loaded.ShouldContain("Profiles.dll"),
                loaded => loaded.ShouldNotContain(f => f!.StartsWith("OpenTelemetry", StringComparison.Ordinal)),
                loaded => loaded.ShouldNotContain("Fluid.dll"));
        using var user = await ServerUser.SignUpAsync(server, ct);
        using var other = await ServerUser.SignUpAsync(server, ct);
        var image = TestImage.Png(8, 8, 1, 2, 3);
        var (slow, endless) = (HeldContent.Image(image, image.Length / 2), HeldContent.Image(image, image.Length / 2));
        var finishing = user.Client.PostAsync("/me/upload-image", slow, ct);
        var cut = other.Client.PostAsync("/me/upload-image", endless, ct);
        await Task.Delay(500, ct);

        var watch = Stopwatch.StartNew();
        await new LinuxProcess(server.ProcessId).SignalAsync("TERM");
        await LinuxProcess.UntilAsync(() => !Accepts(server.Address), () => "It still takes connections.");
        finishing.IsCompleted.ShouldBeFalse();
        slow.Release();
        (await finishing).StatusCode.ShouldBe(HttpStatusCode.OK);
        watch.Elapsed.ShouldBeLessThan(Grace);
        (await server.EndedAsync()).ShouldBe(0);
        watch.Elapsed.ShouldBeInRange(Grace - TimeSpan.FromSeconds(1), Grace + TimeSpan.FromSeconds(10));
        endless.Release();
        await Should.ThrowAsync<HttpRequestException>(() => cut);
    }

    static bool Accepts(Uri address)
    {
        try
        {
            using var client = new TcpClient(address.Host, address.Port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
