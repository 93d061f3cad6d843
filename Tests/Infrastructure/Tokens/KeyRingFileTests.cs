using System.Buffers.Text;
using System.Security.Cryptography;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Npgsql;
using Profiles.Data;
using Profiles.Data.Sqlite;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Settings;
using Profiles.Infrastructure.Tokens;

namespace Profiles.Tests.Infrastructure.Tokens;

/// <summary>The ring's file on SQLite; the table of PostgreSQL differs in place only.</summary>
[Trait("Database", "Sqlite")]
public sealed class KeyRingFileTests
{
    const string KeyEncryptionKey = "the-first-K3v9QmT5xZr7Wp1LbY8sQ2";

    readonly string directory = TemporaryDirectory.Make("ring");

    // Of a database that does not exist, in which nothing can be saved.
    SqliteProfilesDbContext Database => field ??= new(new DbContextOptionsBuilder<SqliteProfilesDbContext>()
        .UseSqlite($"Data Source={Path.Combine(directory, "profiles.db")};Mode=ReadWrite;Pooling=false")
        .UseApplicationServiceProvider(new ServiceCollection().AddSingleton(TimeProvider.System).BuildServiceProvider()).Options);

    IServiceProvider Scope => field ??= new ServiceCollection().AddSingleton<ProfilesDbContext>(Database).BuildServiceProvider();

    static CancellationToken Token => TestContext.Current.CancellationToken;

    string File => Path.Combine(directory, "signing-keys.json");

    [Fact]
    public async Task It_is_private_and_no_temporary_file_is_left()
    {
        var ring = await LoadedAsync();
        await ring.RotateAsync(Scope, isForced: true, Token);
        var files = Directory.GetFiles(directory);
        files.Select(Path.GetFileName).Order().ShouldBe(["signing-keys.json", "signing-keys.json.lock"]);
        files.ShouldAllBe(f => System.IO.File.GetUnixFileMode(f) == (UnixFileMode.UserRead | UnixFileMode.UserWrite));
    }

    [Fact]
    public void A_file_that_cannot_be_replaced_leaves_no_key_beside_it()
    {
        Directory.CreateDirectory(File);
        Should.Throw<IOException>(() => PrivateFiles.Replace(File, "a key"u8));
        Directory.GetFiles(directory).ShouldBeEmpty();
    }

    [Fact]
    public async Task Starts_at_once_make_one_ring_and_rotations_at_once_lose_none()
    {
        var rings = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => LoadedAsync()));
        rings.Select(r => r.Keys.Current!.Id).Distinct().ShouldHaveSingleItem();
        await Task.WhenAll(rings.Select(r => r.RotateAsync(Scope, isForced: true, Token)));
        (await rings[0].ListAsync(Token)).Count(k => k.RetiredAt is not null).ShouldBe(rings.Length);
    }

    [Fact]
    public async Task With_a_key_encryption_key_the_private_keys_are_encrypted_and_only_that_key_decrypts_them()
    {
        var ids = (await LoadedAsync(KeyEncryptionKey)).Keys.Rows.Select(k => k.Id).ToArray();
        (await LoadedAsync(KeyEncryptionKey)).Keys.Rows.ShouldAllBe(k => k.Value.StartsWith("aes256gcm:"));
        (await LoadedAsync(KeyEncryptionKey)).Keys.Rows.Select(k => k.Id).ShouldBe(ids);
        var kept = await System.IO.File.ReadAllTextAsync(File, Token);
        foreach (var other in new[] { null, KeyEncryptionKey[..^1] + "3" })
        {
            var refusal = await Should.ThrowAsync<StartException>(LoadedAsync(other));
            refusal.Message.ShouldStartWith("The signing key in DataDirectory (signing-keys.json) ");
            refusal.Message.ShouldContain("Jwt__KeyEncryptionKey");
        }
        (await System.IO.File.ReadAllTextAsync(File, Token)).ShouldBe(kept);

        // Nor does a command add a key in plain text that runs without the setting.
        await Should.ThrowAsync<StartException>(Ring().RotateAsync(Scope, isForced: true, Token));
        (await System.IO.File.ReadAllTextAsync(File, Token)).ShouldBe(kept);
    }

    [Fact]
    public async Task Plain_keys_are_encrypted_at_the_next_start_and_stay_the_same_keys()
    {
        var plain = (await LoadedAsync()).Keys;
        var later = (await LoadedAsync(KeyEncryptionKey)).Keys;
        later.Rows.Select(k => k.Id).ShouldBe(plain.Rows.Select(k => k.Id));
        var text = await System.IO.File.ReadAllTextAsync(File, Token);
        plain.Rows.ShouldAllBe(k => !text.Contains(k.Value));
        later.Rows.ShouldAllBe(k => k.Value.StartsWith("aes256gcm:"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("not JSON")]
    [InlineData("[]")]
    [InlineData("[{}]")]
    [InlineData("{\"keys\":[]}")]
    [InlineData("half")]
    [InlineData("no next")]
    [InlineData("two current")]
    [InlineData("another id")]
    [InlineData("another curve")]
    [InlineData("no key")]
    public async Task A_damaged_ring_stops_the_start_with_a_sentence_and_is_left_as_it_is(string damage)
    {
        var rows = (await LoadedAsync()).Keys.Rows;
        var (current, next) = (rows.Single(k => k.IsCurrent), rows.Single(k => k.IsNext));
        var sound = await System.IO.File.ReadAllTextAsync(File, Token);
        var damaged = damage switch
        {
            "half" => sound[..(sound.Length / 2)],
            "no next" => sound.Replace("\"activated_at\":null", "\"activated_at\":\"2026-01-01T00:00:00Z\",\"x\":0")
                .Replace("\"retired_at\":null", "\"retired_at\":\"2026-01-01T00:00:00Z\""),
            "two current" => sound.Replace("\"activated_at\":null", "\"activated_at\":\"2026-01-01T00:00:00Z\""),
            "another id" => sound.Replace(current.Id, next.Id[..^1] + (next.Id[^1] == 'A' ? 'E' : 'A')),
            "another curve" => sound.Replace(current.Value, AnotherCurve()),
            "no key" => sound.Replace(current.Value, "AAAA"),
            _ => damage,
        };
        damaged.ShouldNotBe(sound);
        await System.IO.File.WriteAllTextAsync(File, damaged, Token);
        var refusal = await Should.ThrowAsync<StartException>(LoadedAsync());
        refusal.Message.ShouldStartWith("The key ring in DataDirectory (signing-keys.json) is damaged. Restore it, or delete it ");
        (await System.IO.File.ReadAllTextAsync(File, Token)).ShouldBe(damaged);
    }

    [Fact]
    public async Task A_ring_that_is_damaged_while_the_service_runs_leaves_it_its_keys()
    {
        var ring = await LoadedAsync();
        var keys = ring.Keys;
        await System.IO.File.WriteAllTextAsync(File, "[]", Token);
        await Should.ThrowAsync<StartException>(ring.RefreshAsync(Scope, Token));
        System.IO.File.Delete(File);
        await Should.ThrowAsync<StartException>(ring.RefreshAsync(Scope, Token));
        // A token of an unknown key finds nothing either, and is refused.
        await Task.Delay(TimeSpan.FromSeconds(1.1), Token);
        (await ring.TryReloadAsync(keys, Token)).ShouldBeFalse();
        ring.Keys.ShouldBeSameAs(keys);
    }

    [Fact]
    public async Task A_rotation_that_cannot_be_audited_is_not_done()
    {
        var ring = await LoadedAsync();
        var kept = await System.IO.File.ReadAllTextAsync(File, Token);
        Database.Add(AuditEntry.Of(TimeProvider.System.GetUtcNow().UtcDateTime, "command:test", "keys.rotated", null, null));
        await Should.ThrowAsync<SqliteException>(ring.RotateAsync(Scope, isForced: true, Token));
        (await System.IO.File.ReadAllTextAsync(File, Token)).ShouldBe(kept);
    }

    [Fact]
    public async Task A_ring_that_no_service_uses_is_neither_listed_nor_rotated()
    {
        await LoadedAsync();
        var kept = await System.IO.File.ReadAllTextAsync(File, Token);
        using var unused = Ring(signingKey: KeyEncryptionKey);
        foreach (var use in new Func<Task>[] { () => unused.ListAsync(Token), () => unused.RotateAsync(Scope, isForced: true, Token) })
            (await Should.ThrowAsync<StartException>(use)).Message.ShouldStartWith("Jwt__SigningKey is set: ");
        (await System.IO.File.ReadAllTextAsync(File, Token)).ShouldBe(kept);
    }

    [Fact]
    public async Task Requests_with_an_unknown_key_wait_for_one_read_and_all_find_its_keys()
    {
        var (ring, store) = await HeldAsync();
        var known = ring.Keys;
        var waiting = Enumerable.Range(0, 3).Select(_ => ring.TryReloadAsync(known, Token)).ToArray();
        await Ring().RotateAsync(Scope, isForced: true, Token);
        store.Answer.SetResult(await System.IO.File.ReadAllTextAsync(File, Token));
        (await Task.WhenAll(waiting)).ShouldBe([true, true, true]);
        (await ring.TryReloadAsync(known, Token)).ShouldBeTrue("It comes a moment later, and was verified with the keys before.");
        store.Reads.ShouldBe(2);
    }

    [Fact]
    public async Task Requests_with_an_unknown_key_do_not_wait_long_for_a_store_that_hangs()
    {
        var (ring, store) = await HeldAsync();
        var waiting = Enumerable.Range(0, 3).Select(_ => ring.TryReloadAsync(ring.Keys, Token)).ToArray();
        foreach (var request in waiting)
            await Should.ThrowAsync<BusyException>(request.WaitAsync(TimeSpan.FromSeconds(10), Token));
        store.Reads.ShouldBe(2);
    }

    [Fact]
    public async Task A_forged_token_makes_no_error_of_a_database_that_is_away()
    {
        var (ring, store) = await HeldAsync();
        store.Answer.SetException(new NpgsqlException("It is away."));
        (await ring.TryReloadAsync(ring.Keys, Token)).ShouldBeFalse();
    }

    // A ring whose reads from now on wait for the test.
    async Task<(KeyRing Ring, HeldStore Store)> HeldAsync()
    {
        await LoadedAsync();
        var store = new HeldStore(await System.IO.File.ReadAllTextAsync(File, Token));
        var ring = new KeyRing(store, Options.Create(new JwtOptions()), TimeProvider.System);
        await ring.LoadAsync(Scope, Token);
        // The first read is not fresh any more.
        await Task.Delay(TimeSpan.FromSeconds(1.1), Token);
        store.Answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        store.Reads = 1;
        return (ring, store);
    }

    sealed class HeldStore : KeyRingStore
    {
        public HeldStore(string ring) => Answer.SetResult(ring);

        public TaskCompletionSource<string?> Answer { get; set; } = new();

        public int Reads { get; set; }

        public override string Place => "a test";

        public override string SecretPlace => "a test";

        public override Task<string?> ReadAsync(CancellationToken ct)
        {
            Reads++;
            return Answer.Task;
        }

        public override Task ChangeAsync(IServiceProvider scope, Action<List<RingKey>> change, CancellationToken ct) =>
            throw new InvalidOperationException("Nothing changes it.");
    }

    static string AnotherCurve()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        return Base64Url.EncodeToString(key.ExportPkcs8PrivateKey());
    }

    async Task<KeyRing> LoadedAsync(string? keyEncryptionKey = null)
    {
        var ring = Ring(keyEncryptionKey);
        await ring.LoadAsync(Scope, Token);
        return ring;
    }

    KeyRing Ring(string? keyEncryptionKey = null, string? signingKey = null)
    {
        var store = new KeyRingFile(Options.Create(new ServiceOptions { DataDirectory = directory }), TimeProvider.System);
        return new(
            store, Options.Create(new JwtOptions { KeyEncryptionKey = keyEncryptionKey, SigningKey = signingKey }), TimeProvider.System);
    }
}
