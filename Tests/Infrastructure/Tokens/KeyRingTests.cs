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

    SigningKeys Secrets => app.Services.GetRequiredService<SigningKeys>();

    // A fresh ring for each test, as after the first start.
    protected override async ValueTask SetupAsync() => await MakeRingAsync(app.Clock.GetUtcNow().UtcDateTime);

    async Task MakeRingAsync(DateTime now)
    {
        var pairs = new[] { KeyPair.Generate(), KeyPair.Generate() };
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
        (await Ring.TryReloadAsync(Ring.Keys, Cancellation)).ShouldBeFalse();
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
    public async Task After_an_upgrade_tokens_of_the_secret_are_accepted_for_a_day_and_until_the_last_one_has_expired()
    {
        var user = await app.CreateUserAsync();
        await MakeRingAsync(Secrets.CreatedAt + TimeSpan.FromMinutes(2));
        app.Clock.Advance(TimeSpan.FromMinutes(2));
        await StatusShouldBeAsync(OldTokenOf(user), HttpStatusCode.OK);
        app.Clock.Advance(Secrets.CreatedAt + TimeSpan.FromMinutes(2) + TimeSpan.FromHours(25) - app.Clock.GetUtcNow().UtcDateTime);
        var last = OldTokenOf(user);
        await StatusShouldBeAsync(last, HttpStatusCode.OK);
        app.Clock.Advance(TimeSpan.FromMinutes(1) + TimeSpan.FromSeconds(1));
        await StatusShouldBeAsync(last, HttpStatusCode.Unauthorized, "From now on only the ring signs.");
        await StatusShouldBeAsync(await app.LogInAsync(user), HttpStatusCode.OK);
    }

    [Fact]
    public async Task Tokens_of_a_secret_that_was_made_with_the_ring_are_never_accepted()
    {
        var user = await app.CreateUserAsync();
        await MakeRingAsync(Secrets.CreatedAt + TimeSpan.FromSeconds(50));
        await StatusShouldBeAsync(OldTokenOf(user), HttpStatusCode.Unauthorized, "A first start has issued none.");
    }

    [Fact]
    public async Task The_secret_ends_with_the_first_key_of_the_ring()
    {
        var user = await app.CreateUserAsync();
        app.Clock.Advance(TimeSpan.FromMinutes(2));
        await MakeRingAsync(app.Clock.GetUtcNow().UtcDateTime);
        await ForceAsync(Ring);
        await StatusShouldBeAsync(OldTokenOf(user), HttpStatusCode.OK);
        app.Clock.Advance(LastToken + TimeSpan.FromSeconds(1));
        await RefreshAsync(Ring);
        await StatusShouldBeAsync(OldTokenOf(user), HttpStatusCode.Unauthorized, "A rotation does not make the ring a young one.");
    }

    [Fact, Trait("Database", "Sqlite")]
    public async Task With_a_key_encryption_key_the_file_of_the_secret_is_encrypted_also_one_that_was_in_plain_text()
    {
        const string KeyEncryptionKey = "the-first-K3v9QmT5xZr7Wp1LbY8sQ2";
        var (old, fresh) = (TemporaryDirectory.Make("secret"), TemporaryDirectory.Make("secret"));
        var plain = await LoadAsync(old, null);
        var (file, time) = (Path.Combine(old, "signing.key"), new DateTime(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc));
        File.SetLastWriteTimeUtc(file, time);
        var later = await LoadAsync(old, KeyEncryptionKey);
        (await LoadAsync(old, KeyEncryptionKey)).Current.Key.ShouldBe(plain.Current.Key);
        (later.CreatedAt, File.GetLastWriteTimeUtc(file)).ShouldBe((time, time));
        await LoadAsync(fresh, KeyEncryptionKey);
        foreach (var directory in new[] { old, fresh })
        {
            var stored = await File.ReadAllTextAsync(Path.Combine(directory, "signing.key"), Cancellation);
            stored.ShouldStartWith("aes256gcm:");
            foreach (var other in new[] { null, KeyEncryptionKey[..^1] + "3" })
            {
                var refusal = await Should.ThrowAsync<StartException>(LoadAsync(directory, other));
                refusal.Message.ShouldStartWith("The signing key in DataDirectory (signing.key) ");
                refusal.Message.ShouldContain("Jwt__KeyEncryptionKey");
            }
            Directory.GetFiles(directory).ShouldBe([Path.Combine(directory, "signing.key")]);
            (await File.ReadAllTextAsync(Path.Combine(directory, "signing.key"), Cancellation)).ShouldBe(stored);
        }

        async Task<SigningKeys> LoadAsync(string directory, string? keyEncryptionKey)
        {
            var secrets = new SigningKeys(
                Options.Create(new JwtOptions { KeyEncryptionKey = keyEncryptionKey }),
                Options.Create(new ServiceOptions { DataDirectory = directory }), app.Clock);
            using var scope = Scope();
            await secrets.LoadAsync(scope.ServiceProvider, Cancellation);
            return secrets;
        }
    }

    [Fact]
    public async Task A_secret_that_the_settings_call_the_previous_one_is_accepted_beside_the_ring()
    {
        const string Secret = "b7Jm-Vq2xTz9-Lw4Kp8-Rd1Hs6-Nc3Fg5";
        var user = await app.CreateUserAsync();
        app.Clock.Advance(TimeSpan.FromHours(2));
        var token = (await TokensAsync(new() { SigningKey = Secret }))
            .Issue(user.Id, user.SessionId, DateTime.UnixEpoch, methods: null).AsMemory();
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

    // As a service before the upgrade issues it.
    TestUser OldTokenOf(TestUser user)
    {
        var settings = Options.Create(new JwtOptions { SigningKey = "unused, which says only that there is no ring" });
        using var none = new KeyRing(app.Services.GetRequiredService<KeyRingStore>(), settings, app.Clock);
        return user with { Token = Issue(none, user) };
    }

    TestUser TokenOf(KeyRing ring, TestUser user) => user with { Token = Issue(ring, user) };

    string Issue(KeyRing ring, TestUser user) =>
        new AccessTokens(Secrets, ring, Jwt(), app.Clock).Issue(user.Id, user.SessionId, DateTime.UnixEpoch, methods: null);

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
