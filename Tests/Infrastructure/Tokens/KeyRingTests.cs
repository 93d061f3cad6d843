using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Settings;
using Profiles.Infrastructure.Tokens;

namespace Profiles.Tests.Infrastructure.Tokens;

/// <summary>A service whose keys and clock the tests change.</summary>
public sealed class KeyRingFixture : ProfilesFixture;

/// <summary>The ring of signing keys as it lives: rotation by schedule, several instances, the upgrade.</summary>
[Collection(nameof(MovedClock))]
public sealed class KeyRingTests(KeyRingFixture app) : TestBase<KeyRingFixture>
{
    static readonly TimeSpan Interval = TimeSpan.FromDays(90), LastToken = TimeSpan.FromHours(1) + TimeSpan.FromMinutes(2);

    KeyRing Ring => app.Services.GetRequiredService<KeyRing>();

    // A fresh ring for each test, as after the first start.
    protected override async ValueTask SetupAsync()
    {
        var (now, pairs) = (app.Clock.GetUtcNow().UtcDateTime, new[] { KeyPair.Generate(), KeyPair.Generate() });
        await ChangeAsync(rows =>
        {
            rows.Clear();
            rows.Add(new() { Id = new KeyPair(pairs[0]).Id, Value = pairs[0], CreatedAt = now, ActivatedAt = now });
            rows.Add(new() { Id = new KeyPair(pairs[1]).Id, Value = pairs[1], CreatedAt = now });
        });
        await RefreshAsync(Ring);
    }

    protected override ValueTask TearDownAsync()
    {
        app.Clock.Reset();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task The_schedule_rotates_after_the_interval_and_removes_a_key_after_its_last_token()
    {
        var user = await app.CreateUserAsync();
        var before = await app.RingAsync();
        app.Clock.Advance(Interval - TimeSpan.FromMinutes(5));
        await RefreshAsync(Ring);
        (await app.RingAsync()).Select(k => k.Id).ShouldBe(before.Select(k => k.Id));

        app.Clock.Advance(TimeSpan.FromMinutes(5));
        await RefreshAsync(Ring);
        var after = await app.RingAsync();
        after.Single(k => k.IsCurrent).Id.ShouldBe(before.Single(k => k.IsNext).Id);
        after.Single(k => k.RetiredAt is not null && k.Id == before.Single(c => c.IsCurrent).Id).ShouldNotBeNull();
        before.Select(k => k.Id).ShouldNotContain(after.Single(k => k.IsNext).Id);
        RingForgery.KeyId((await app.LogInAsync(user)).Token).ShouldBe(after.Single(k => k.IsCurrent).Id);

        app.Clock.Advance(LastToken - TimeSpan.FromSeconds(1));
        await RefreshAsync(Ring);
        (await app.RingAsync()).Select(k => k.Id).ShouldContain(before.Single(c => c.IsCurrent).Id);
        app.Clock.Advance(TimeSpan.FromSeconds(2));
        await RefreshAsync(Ring);
        (await app.RingAsync()).Select(k => k.Id).ShouldBe(
            after.Where(k => k.RetiredAt is null).Select(k => k.Id), ignoreOrder: true, "The last token has expired.");
    }

    [Fact]
    public async Task A_rotation_logs_nobody_out()
    {
        var before = await app.CreateUserAsync();
        await StatusShouldBeAsync(before, HttpStatusCode.OK);
        await ForceAsync(Ring);
        await StatusShouldBeAsync(before, HttpStatusCode.OK);
        var after = await app.LogInAsync(before);
        RingForgery.KeyId(after.Token).ShouldNotBe(RingForgery.KeyId(before.Token));
        await ForceAsync(Ring);
        foreach (var user in new[] { before, after, await app.LogInAsync(before) })
            await StatusShouldBeAsync(user, HttpStatusCode.OK);
    }

    [Fact]
    public async Task Of_several_instances_one_rotates()
    {
        await ForceAsync(Ring);
        using var other = Instance();
        await RefreshAsync(other);
        app.Clock.Advance(Interval);
        var before = await app.RingAsync();
        await Task.WhenAll(RefreshAsync(Ring), RefreshAsync(other), RefreshAsync(Ring), RefreshAsync(other));
        (await app.RingAsync()).Count(k => k.CreatedAt > before.Max(b => b.CreatedAt)).ShouldBe(1);
        (await app.RingAsync()).Single(k => k.IsCurrent).Id.ShouldBe(before.Single(k => k.IsNext).Id);
    }

    [Fact]
    public async Task Another_instance_follows_by_polling_and_by_an_unknown_key_at_once()
    {
        var user = await app.CreateUserAsync();
        using var other = Instance();
        await RefreshAsync(other);
        await ForceAsync(other);
        await StatusShouldBeAsync(TokenOf(other, user), HttpStatusCode.OK, "The next key was known before it signed.");
        var current = Ring.Keys.Current!.Id;
        await RefreshAsync(Ring);
        Ring.Keys.Current!.Id.ShouldNotBe(current);
        Ring.Keys.Current.Id.ShouldBe(other.Keys.Current!.Id);

        // Twice without a poll between: the key is new to this instance.
        await ForceAsync(other);
        await ForceAsync(other);
        Ring.Keys.Rows.Select(k => k.Id).ShouldNotContain(other.Keys.Current!.Id);
        // Not more often than once a second, whatever the tokens say.
        (await Ring.TryReloadAsync(Cancellation)).ShouldBeFalse();
        await Task.Delay(TimeSpan.FromSeconds(1.1), Cancellation);
        await StatusShouldBeAsync(TokenOf(other, user), HttpStatusCode.OK);
        Ring.Keys.Current.Id.ShouldBe(other.Keys.Current!.Id);
    }

    [Fact]
    public async Task A_remembered_token_expires()
    {
        var user = await app.CreateUserAsync();
        await StatusShouldBeAsync(user, HttpStatusCode.OK);
        app.Clock.Advance(TimeSpan.FromHours(1) + TimeSpan.FromSeconds(55));
        await StatusShouldBeAsync(user, HttpStatusCode.OK);
        app.Clock.Advance(TimeSpan.FromSeconds(7));
        await StatusShouldBeAsync(user, HttpStatusCode.Unauthorized);
        // A clock that is set back is no reason either.
        app.Clock.Advance(-TimeSpan.FromHours(2) - TimeSpan.FromMinutes(5));
        await StatusShouldBeAsync(user, HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task A_token_of_a_key_that_was_removed_is_refused_although_it_was_remembered()
    {
        var user = await app.CreateUserAsync();
        await StatusShouldBeAsync(user, HttpStatusCode.OK);
        await ForceAsync(Ring);
        await ChangeAsync(rows => rows.RemoveAll(r => r.Id == RingForgery.KeyId(user.Token)));
        await RefreshAsync(Ring);
        await StatusShouldBeAsync(user, HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task After_an_upgrade_tokens_of_the_secret_are_accepted_until_the_last_one_has_expired()
    {
        var user = await app.CreateUserAsync();
        var settings = Options.Create(new JwtOptions { SigningKey = "unused, which says only that there is no ring" });
        using var none = new KeyRing(app.Services.GetRequiredService<KeyRingStore>(), settings, app.Clock);
        var old = new AccessTokens(app.Services.GetRequiredService<SigningKeys>(), none, Jwt(), app.Clock);
        await StatusShouldBeAsync(user with { Token = old.Issue(user.Id, user.SessionId) }, HttpStatusCode.OK);
        app.Clock.Advance(TimeSpan.FromHours(1));
        var last = user with { Token = old.Issue(user.Id, user.SessionId) };
        await StatusShouldBeAsync(last, HttpStatusCode.OK);
        app.Clock.Advance(TimeSpan.FromMinutes(1) + TimeSpan.FromSeconds(1));
        await StatusShouldBeAsync(last, HttpStatusCode.Unauthorized, "From now on only the ring signs.");
        await StatusShouldBeAsync(await app.LogInAsync(user), HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_secret_that_the_settings_call_the_previous_one_is_accepted_beside_the_ring()
    {
        const string Secret = "b7Jm-Vq2xTz9-Lw4Kp8-Rd1Hs6-Nc3Fg5";
        var user = await app.CreateUserAsync();
        app.Clock.Advance(TimeSpan.FromHours(2));
        var token = (await TokensAsync(new() { SigningKey = Secret })).Issue(user.Id, user.SessionId).AsMemory();
        (await (await TokensAsync(new())).VerifyAsync(token, Cancellation)).ShouldBeNull();
        (await (await TokensAsync(new() { PreviousSigningKey = Secret })).VerifyAsync(token, Cancellation))!.UserId.ShouldBe(user.Id);

        // A service with these settings and the fixture's ring.
        async Task<AccessTokens> TokensAsync(JwtOptions settings)
        {
            var jwt = Options.Create(settings);
            var secrets = new SigningKeys(jwt, app.Services.GetRequiredService<IOptions<ServiceOptions>>(), app.Clock);
            var ring = new KeyRing(app.Services.GetRequiredService<KeyRingStore>(), jwt, app.Clock);
            using var scope = Scope();
            await secrets.LoadAsync(scope.ServiceProvider, Cancellation);
            await ring.LoadAsync(scope.ServiceProvider, Cancellation);
            return new(secrets, ring, jwt, app.Clock);
        }
    }

    static IOptions<JwtOptions> Jwt() => Options.Create(new JwtOptions());

    IServiceScope Scope() => app.Services.CreateScope();

    KeyRing Instance() => new(app.Services.GetRequiredService<KeyRingStore>(), Jwt(), app.Clock);

    TestUser TokenOf(KeyRing ring, TestUser user) => user with
    {
        Token = new AccessTokens(app.Services.GetRequiredService<SigningKeys>(), ring, Jwt(), app.Clock).Issue(user.Id, user.SessionId),
    };

    async Task RefreshAsync(KeyRing ring)
    {
        using var scope = Scope();
        await ring.RefreshAsync(scope.ServiceProvider, Cancellation);
    }

    async Task ForceAsync(KeyRing ring)
    {
        using var scope = Scope();
        await ring.RotateAsync(scope.ServiceProvider, isForced: true, Cancellation);
    }

    async Task ChangeAsync(Action<List<RingKey>> change)
    {
        using var scope = Scope();
        await app.Services.GetRequiredService<KeyRingStore>().ChangeAsync(scope.ServiceProvider, change, Cancellation);
    }

    async Task StatusShouldBeAsync(TestUser user, HttpStatusCode expected, string? why = null)
    {
        using var client = app.ClientFor(user);
        (await client.GetAsync("/me", Cancellation)).StatusCode.ShouldBe(expected, why);
    }
}
