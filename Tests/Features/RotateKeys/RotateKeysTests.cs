using System.Net;
using Microsoft.EntityFrameworkCore;
using Profiles.Infrastructure.Tokens;
using Profiles.Tests.Infrastructure.Tokens;

namespace Profiles.Tests.Features.RotateKeys;

/// <summary>The commands <c>keys list</c> and <c>keys rotate</c>.</summary>
[Collection(nameof(MovedClock))]
public sealed class RotateKeysTests(KeyRingFixture app) : TestBase<KeyRingFixture>
{
    protected override ValueTask TearDownAsync()
    {
        app.Clock.Reset();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task The_list_shows_ids_states_and_times_and_never_a_private_key()
    {
        await app.RunAsync("keys", "rotate", "--force");
        var (exitCode, output, _) = await app.RunAsync("keys", "list");
        exitCode.ShouldBe(0);
        var ring = await app.RingAsync();
        var lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        lines[0].ShouldStartWith("id ");
        lines.Length.ShouldBe(ring.Count + 1);
        foreach (var key in ring)
        {
            var state = key.IsNext ? "next" : key.IsCurrent ? "current" : "previous";
            lines.ShouldContain(l => l.StartsWith($"{key.Id}  {state} ") && l.Contains($"{key.CreatedAt:u}"));
            output.ShouldNotContain(key.Value);
        }
    }

    [Fact]
    public async Task A_next_key_that_other_services_may_not_know_is_not_used_unless_forced()
    {
        var user = await app.CreateUserAsync();
        await app.RunAsync("keys", "rotate", "--force");
        var (before, audited) = ((await app.RingAsync()).Select(k => k.Id).ToArray(), await AuditedAsync());
        var (exitCode, output, error) = await app.RunAsync("keys", "rotate");
        (exitCode, output).ShouldBe((1, ""));
        error.ShouldMatch("^The next key is too new: other services may not know it. Wait 6[0-9][0-9] seconds, or use --force.\\s*$");
        (await app.RingAsync()).Select(k => k.Id).ShouldBe(before);
        (await AuditedAsync()).ShouldBe(audited);

        app.Clock.Advance(KeyRing.MaxAge + KeyRing.ReloadInterval - TimeSpan.FromSeconds(20));
        (await app.RunAsync("keys", "rotate")).ExitCode.ShouldBe(1);
        app.Clock.Advance(TimeSpan.FromSeconds(20));
        var next = (await app.RingAsync()).Single(k => k.IsNext).Id;
        (exitCode, output, _) = await app.RunAsync("keys", "rotate");
        (exitCode, output.Trim()).ShouldBe((0, "Rotated. Every instance signs with the new key within half a minute."));
        (await app.RingAsync()).Single(k => k.IsCurrent).Id.ShouldBe(next);
        (await AuditedAsync()).ShouldBe([.. audited, null]);
        using var client = app.ClientFor(user);
        (await client.GetAsync("/me", Cancellation)).StatusCode.ShouldBe(HttpStatusCode.OK);
        RingForgery.KeyId((await app.LogInAsync(user)).Token).ShouldBe(next);

        (await app.RunAsync("keys", "rotate", "--force")).ExitCode.ShouldBe(0);
        (await AuditedAsync()).ShouldBe([.. audited, null, "forced"]);
    }

    Task<List<string?>> AuditedAsync() => app.QueryAsync(db =>
        db.AuditLog.Where(e => e.Action == "keys.rotated").OrderBy(e => e.Id).Select(e => e.Detail).ToListAsync(Cancellation));
}
