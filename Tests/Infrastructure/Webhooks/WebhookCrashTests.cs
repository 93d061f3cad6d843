using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using Microsoft.EntityFrameworkCore;

namespace Profiles.Tests.Infrastructure.Webhooks;

/// <summary>A message outlives kills of the service, and no log has a secret of its endpoint.</summary>
[Trait("Needs", "Process")]
public sealed class WebhookCrashTests
{
    static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_was_acknowledged_before_a_kill_is_delivered_after_it()
    {
        const string canary = "canary-of-the-address";
        await using var receiver = await WebhookReceiver.StartAsync();
        receiver.On["/crm"] = WebhookReceiver.HangAsync;
        var data = TemporaryDirectory.Make("webhooks");
        (string, string)[] settings =
        [
            ("DataDirectory", data),
            ("Webhooks__Endpoints", $"crm {receiver.Address}/crm?key={canary} {WebhooksFixture.Secret}"),
            ("Webhooks__AllowPrivateNetworks", "true"),
            ("Webhooks__Timeout", "00:00:01"),
        ];
        var output = "";
        // Killed while the receiver has the first message and has not answered, then between the commit of the second and its delivery.
        var first = await KilledAsync(async id => await ReceivedAsync(id));
        var second = await KilledAsync(_ => Task.CompletedTask);
        var attempt = await ReceivedAsync(first);

        receiver.On.Clear();
        var before = receiver.Deliveries.Count;
        // The second start may have tried the first message again, and the attempt after that is due minutes later.
        await using (var db = TestDatabase.Open(data, TestDatabase.For(data)))
            await db.Outbox.ExecuteUpdateAsync(e => e.SetProperty(x => x.DueAt, DateTime.UnixEpoch), Token);
        await using var last = await ServerProcess.StartAsync(settings);
        (await ReceivedAsync(first, before)).Id.ShouldBe(attempt.Id);
        await ReceivedAsync(second, before);
        while ((await (await last.Client.GetAsync("/health/ready", Token)).ShouldBeAsync(HttpStatusCode.OK))
            .GetProperty("pending").GetInt32() > 0)
            await Task.Delay(100, Token);
        output += last.Output;
        output.ShouldContain("Completed in Webhook: crm.");
        output.ShouldNotContain(canary);
        output.ShouldNotContain(WebhooksFixture.Secret["whsec_".Length..]);

        async Task<long> KilledAsync(Func<long, Task> until)
        {
            await using var server = await ServerProcess.StartAsync(settings);
            var registered = await server.Client.PostAsJsonAsync(
                "/register", new { name = "John", email = $"{Guid.NewGuid():N}@example.com", password = "plum-tram-94" }, Token);
            var id = (await registered.ShouldBeAsync(HttpStatusCode.Created)).GetProperty("id").GetInt64();
            await until(id);
            server.Kill();
            output += server.Output;
            return id;
        }

        async Task<Delivery> ReceivedAsync(long id, int after = 0)
        {
            var patience = Stopwatch.StartNew();
            while (true)
            {
                if (receiver.Deliveries.Skip(after).FirstOrDefault(d => d.UserId == id) is { } found)
                    return found;
                patience.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(60));
                await Task.Delay(20, Token);
            }
        }
    }
}
