using System.Net;
using System.Net.Http.Json;
using System.Text;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Profiles.Infrastructure.Cleanup;

namespace Profiles.Tests.Data;

/// <summary>A database that no other test class reads.</summary>
public sealed class UnsharedFixture : ProfilesFixture;

/// <summary>Reads SQLite's files byte by byte for what is left of a deleted account.</summary>
[Trait("Database", "Sqlite")]
public sealed class ErasureTests(UnsharedFixture app) : TestBase<UnsharedFixture>
{
    static readonly string[] Files = ["profiles.db", "profiles.db-wal"];

    static readonly string[] Marks = ["ErasedName", "erased_username", "ErasedBio", "ErasedCity", "ErasedDevice", "Another name"];

    [Fact]
    public async Task No_byte_of_a_deleted_account_is_left_in_the_database_file_or_its_log()
    {
        var (user, client) = await CreateAsync();
        using (client)
            await DeleteAsync(client, user);
        Left(user).ShouldBeEmpty();
    }

    [Fact]
    public async Task During_a_long_read_the_account_is_deleted_and_the_cleanup_erases_it_afterwards()
    {
        var (user, client) = await CreateAsync();
        await using var reader =
            new SqliteConnection($"Data Source={Path.Combine(app.Root, "data", "profiles.db")};Mode=ReadOnly;Pooling=False");
        await reader.OpenAsync(Cancellation);
        using (var snapshot = reader.BeginTransaction(deferred: true))
        {
            using var command = new SqliteCommand("SELECT count(*) FROM users", reader, snapshot);
            await command.ExecuteScalarAsync(Cancellation);
            using (client)
                await DeleteAsync(client, user);
            (await SweepAsync()).ShouldBeTrue("It says that some is left.");
            Left(user).ShouldNotBeEmpty();
        }
        await reader.CloseAsync();
        (await SweepAsync()).ShouldBeFalse();
        Left(user).ShouldBeEmpty();
    }

    Task<bool> SweepAsync() => app.Services.GetRequiredService<CleanupService>().SweepAsync(TimeSpan.Zero, Cancellation);

    async Task<(TestUser, HttpClient)> CreateAsync()
    {
        var user = await app.LogInAsync(await app.CreateUserAsync(Marks[0]), Marks[4]);
        var client = app.ClientFor(user);
        // Long enough to fill database pages of its own.
        var profile = new { username = Marks[1], bio = Repeat(Marks[2], 40), metadata = new { city = Repeat(Marks[3], 200) } };
        await (await client.PutAsJsonAsync("/me", profile, Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        await (await client.PutAsJsonAsync("/me", new { name = Marks[5] }, Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        Left(user).Length.ShouldBeGreaterThan(4);
        return (user, client);
    }

    async Task DeleteAsync(HttpClient client, TestUser user)
    {
        using var request =
            new HttpRequestMessage(HttpMethod.Delete, "/me") { Content = JsonContent.Create(new { password = user.Password }) };
        await (await client.SendAsync(request, Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
    }

    /// <summary>The account's values that the database file or its write-ahead log still contains.</summary>
    string[] Left(TestUser user)
    {
        var files = Files.Select(name => Path.Combine(app.Root, "data", name)).Where(File.Exists).Select(Read).ToArray();
        return [.. Marks.Append(user.Email[..user.Email.IndexOf('@')])
            .Where(t => files.Any(f => f.Contains(t, StringComparison.OrdinalIgnoreCase)))];
    }

    static string Read(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return Encoding.Latin1.GetString(bytes);
    }

    static string Repeat(string text, int times) => string.Concat(Enumerable.Repeat(text + " ", times));
}
