using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Profiles.Data;
using Profiles.Infrastructure.Backup;
using Profiles.Tests.Data;
using Profiles.Tests.Features.Backup;

namespace Profiles.Tests.Features.Restore;

public sealed class RestoreTests(BackupFixture app) : TestBase<BackupFixture>
{
    const string Damaged = "The archive is damaged or incomplete: nothing was changed.\n";

    readonly string archive = BackupFixture.NewArchive();

    [Fact]
    public async Task A_byte_that_is_changed_added_or_missing_anywhere_is_refused_and_nothing_changes()
    {
        var target = await RestoredAsync();
        var (files, sums) = (target.Files(), await target.SumsAsync(Cancellation));
        var whole = await File.ReadAllBytesAsync(archive, Cancellation);
        var random = new Random(20261129);
        // The first header, the manifest, paddings of blocks, and bytes of images, tables, checksums, the seal and the end.
        int[] places =
        [
            0, 150, 520, 1023, whole.Length - 1, whole.Length - 1500, whole.Length - 2048, whole.Length - 2049, whole.Length - 3000,
            .. Enumerable.Range(0, 12).Select(_ => random.Next(whole.Length)),
        ];
        var broken = places.Select(place => Flipped(whole, place))
            .Concat([[], [1], whole[..512], whole[..(whole.Length / 2)], whole[..^1], whole[..^1024], whole[..^2048], [.. whole, 0]]);
        foreach (var bytes in broken)
        {
            await File.WriteAllBytesAsync(archive, bytes, Cancellation);
            (await target.RefuseAsync("restore", archive, "--force")).ShouldBe(Damaged);
        }
        target.Files().ShouldBe(files, ignoreOrder: true);
        (await target.SumsAsync(Cancellation)).ShouldBe(sums, ignoreOrder: true);
        await File.WriteAllBytesAsync(archive, whole, Cancellation);
        await target.SucceedAsync("restore", archive, "--force");
    }

    public static TheoryData<string> Forgeries => [.. Forged.Keys];

    static readonly Dictionary<string, Action<TarWriter>> Forged = new()
    {
        ["a path out of the archive"] = tar => tar.WriteEntry(Archive.Entry("images/../../../evil.jpg", new MemoryStream([1]))),
        ["an absolute path"] = tar => tar.WriteEntry(Archive.Entry("/tmp/evil.jpg", new MemoryStream([1]))),
        ["a path below an image"] = tar => tar.WriteEntry(Archive.Entry("images/999.jpg/evil.jpg", new MemoryStream([1]))),
        ["a symbolic link"] =
            tar => tar.WriteEntry(new UstarTarEntry(TarEntryType.SymbolicLink, "images/999.jpg") { LinkName = "/etc/passwd" }),
        ["a hard link"] = tar => tar.WriteEntry(new UstarTarEntry(TarEntryType.HardLink, "images/999.jpg") { LinkName = "/etc/passwd" }),
        ["a directory"] = tar => tar.WriteEntry(new UstarTarEntry(TarEntryType.Directory, "images/999.jpg")),
        ["an unknown table"] = tar => tar.WriteEntry(Archive.Entry("tables/evil/000001.jsonl.gz", new MemoryStream(Packed("[1]\n")))),
        ["a row of other columns"] =
            tar => tar.WriteEntry(Archive.Entry("tables/users/000001.jsonl.gz", new MemoryStream(Packed("[1]\n")))),
        ["a row without an end"] = tar => tar.WriteEntry(Archive.Entry("tables/users/000001.jsonl.gz", new MemoryStream(Packed("[1]")))),
        ["a part that unpacks to more than any has"] =
            tar => tar.WriteEntry(Archive.Entry("tables/users/000001.jsonl.gz", new MemoryStream(Packed(new string(' ', 70_000_000))))),
        ["a part that is not packed"] = tar => tar.WriteEntry(Archive.Entry("tables/users/000001.jsonl.gz", new MemoryStream([1, 2, 3]))),
        ["the same image twice"] = tar =>
        {
            tar.WriteEntry(Archive.Entry("images/999.jpg", new MemoryStream([1])));
            tar.WriteEntry(Archive.Entry("images/999.jpg", new MemoryStream([2])));
        },
        ["fewer rows than it says"] = _ => { },
    };

    [Theory, MemberData(nameof(Forgeries))]
    public async Task An_archive_that_somebody_has_made_and_sealed_is_refused_and_nothing_changes(string forgery)
    {
        await ForgeAsync(manifest => manifest, Forged[forgery], isWhole: forgery != "fewer rows than it says");
        var target = new Installation();
        var said = await target.RefuseAsync("restore", archive);
        if (forgery != "the same image twice")
            said.ShouldBe(Damaged);
        target.Files().ShouldBeEmpty();
        await target.SucceedAsync("migrate");
        (await target.SumsAsync(Cancellation)).Values.ShouldAllBe(s => s.StartsWith("0 "));
    }

    [Theory]
    [InlineData("format", "\"format\": 1", "\"format\": 2", "The archive was made by a newer version (")]
    [InlineData("schema", "\"schema\": \"[A-Za-z]+\"", "\"schema\": \"Later\"", "The archive was made by a newer version (")]
    [InlineData("older", "\"schema\": \"[A-Za-z]+\"", "\"schema\": \"Accounts\"", "The archive was made by an older version (")]
    [InlineData("column", "\"password_hash\"", "\"password\"", Damaged)]
    [InlineData("JSON", "\"tables\"", "", Damaged)]
    public async Task An_archive_of_another_version_is_refused(string what, string part, string other, string sentence)
    {
        what.ShouldNotBeEmpty();
        await ForgeAsync(manifest => Regex.Replace(manifest, part, other), _ => { });
        (await new Installation().RefuseAsync("restore", archive)).ShouldStartWith(sentence);
    }

    [Fact]
    public async Task What_is_there_is_replaced_by_force_only_and_by_all_of_the_archive()
    {
        var target = await RestoredAsync();
        var (files, sums) = (target.Files(), await target.SumsAsync(Cancellation));
        (await target.RefuseAsync("restore", archive)).ShouldBe("There are rows or images already: --force replaces them.\n");
        (await target.RefuseAsync("restore", $"{archive}.none")).ShouldStartWith("A file cannot be used: ");
        await File.WriteAllTextAsync(Path.Combine(target.Images, "profile", "4711.jpg"), "of later", Cancellation);
        await target.SucceedAsync("restore", archive, "--force");
        Installation.FilesOf(target.Images).ShouldBe(files.Where(f => f.Key.StartsWith("static"))
            .ToDictionary(f => f.Key["static/".Length..], f => f.Value), ignoreOrder: true);
        // Numbers of PostgreSQL never go back.
        Rows(await target.SumsAsync(Cancellation)).ShouldBe(Rows(sums), ignoreOrder: true);

        // Images alone are something, too.
        var images = new Installation();
        Directory.CreateDirectory(Path.Combine(images.Images, "profile"));
        await File.WriteAllTextAsync(Path.Combine(images.Images, "profile", "1.jpg"), "", Cancellation);
        (await images.RefuseAsync("restore", archive)).ShouldStartWith("There are rows or images already");
    }

    [Fact]
    public async Task While_the_service_runs_it_is_refused()
    {
        await app.RunAsync("backup", archive);
        var (exitCode, _, error) = await app.RunAsync("restore", archive, "--force");
        (exitCode, error).ShouldBe((1, "The database is in use: stop the service, on every machine, and try again.\n"));
        Directory.GetDirectories(Path.GetDirectoryName(app.ImageDirectory)!).ShouldBe([app.ImageDirectory]);
        (await app.Client.GetAsync("/health/ready", Cancellation)).EnsureSuccessStatusCode();
    }

    [Fact]
    public async Task After_one_that_was_killed_half_way_nothing_starts_until_it_is_run_again()
    {
        var target = await RestoredAsync();
        var sums = Rows(await target.SumsAsync(Cancellation));
        // As a kill between the two renames of the images leaves it.
        var mark = Path.Combine(target.Data, "restore.unfinished");
        await File.WriteAllTextAsync(mark, "", Cancellation);
        Directory.Move(Path.Combine(target.Images, "profile"), Path.Combine(target.Images, "profile.old"));
        Directory.CreateDirectory(Path.Combine(target.Images, "profile.new"));
        (await target.RefuseAsync("restore", archive)).ShouldStartWith("There are rows or images already");
        var (exitCode, said) = await Refusal.InProcessAsync(
            [.. target.Settings.Select(s => (s.Key, s.Value)), ("ASPNETCORE_URLS", "http://127.0.0.1:0")]);
        exitCode.ShouldBe(1);
        said.ShouldStartWith("Profiles cannot start: A restore was interrupted half-way");
        await target.SucceedAsync("restore", archive, "--force");
        File.Exists(mark).ShouldBeFalse();
        Rows(await target.SumsAsync(Cancellation)).ShouldBe(sums, ignoreOrder: true);
        (await target.SucceedAsync("check")).ShouldEndWith(": no fault.\n");
        Directory.GetDirectories(target.Images).ShouldBe([Path.Combine(target.Images, "profile")]);
    }

    [Fact, Trait("Database", "Sqlite")]
    public async Task A_damaged_database_is_replaced_by_force_and_its_log_is_not_applied_to_the_new_one()
    {
        var target = await RestoredAsync();
        var sums = await target.SumsAsync(Cancellation);
        var file = Path.Combine(target.Data, "profiles.db");
        await File.WriteAllTextAsync(file, "no database", Cancellation);
        await File.WriteAllTextAsync(file + "-wal", "no log", Cancellation);
        (await target.RefuseAsync("restore", archive)).ShouldStartWith("There are rows or images already");
        await target.SucceedAsync("restore", archive, "--force");
        (await target.SumsAsync(Cancellation)).ShouldBe(sums, ignoreOrder: true);
        File.Exists(file + "-wal").ShouldBeFalse();
    }

    [Fact, Trait("Database", "Sqlite")]
    public async Task When_the_last_step_fails_all_is_as_before()
    {
        var target = await RestoredAsync();
        var database = Path.Combine(target.Data, "profiles.db");
        File.Delete(database);
        await File.WriteAllTextAsync(Path.Combine(target.Images, "profile", "4711.jpg"), "not in the archive", Cancellation);
        await File.WriteAllTextAsync(Path.Combine(target.Data, "signing.key"), "a key of another installation", Cancellation);
        // No file can be moved there.
        Directory.CreateDirectory(database);
        var files = target.Files();
        (await target.RefuseAsync("restore", archive, "--force")).ShouldStartWith("A file cannot be used: ");
        target.Files().ShouldBe(files, ignoreOrder: true);
    }

    [Fact]
    public async Task One_that_is_refused_after_a_half_one_keeps_the_images_from_before_both()
    {
        var target = await RestoredAsync();
        await HalveAsync(target);
        var files = target.Files();
        await ForgeAsync(manifest => manifest, _ => { }, isWhole: false);
        (await target.RefuseAsync("restore", archive, "--force")).ShouldBe(Damaged);
        target.Files().ShouldBe(files, ignoreOrder: true);
    }

    [Fact, Trait("Database", "Sqlite")]
    public async Task When_a_key_cannot_be_written_after_a_half_one_the_other_keys_and_the_images_from_before_both_are_back()
    {
        var target = await RestoredAsync();
        await File.WriteAllTextAsync(Path.Combine(target.Data, "signing-keys.json"), "the ring of another installation", Cancellation);
        // No file can be moved there.
        File.Delete(Path.Combine(target.Data, "signing.key"));
        Directory.CreateDirectory(Path.Combine(target.Data, "signing.key"));
        var files = target.Files();
        var mark = await HalveAsync(target);
        (await target.RefuseAsync("restore", archive, "--force")).ShouldStartWith("A file cannot be used: ");
        File.Exists(mark).ShouldBeTrue();
        File.Delete(mark);
        target.Files().ShouldBe(files, ignoreOrder: true);
    }

    [Fact, Trait("Database", "Sqlite")]
    public async Task While_one_works_no_command_writes_into_the_database_that_it_replaces()
    {
        const string Write = "UPDATE users SET email = email";
        var target = await RestoredAsync();
        var file = Path.Combine(target.Data, "profiles.db");
        await target.UseAsync(async services =>
        {
            await using var tables = await services.GetRequiredService<DatabaseEngine>().ReplaceTablesAsync(Cancellation);
            Should.Throw<SqliteException>(() => SqliteFaultTests.Open(file, Write)).Message.ShouldContain("locked");
            return true;
        });
        SqliteFaultTests.Open(file, Write).Dispose();
    }

    [Fact, Trait("Database", "PostgreSql")]
    public async Task When_the_answer_to_the_commit_is_lost_nothing_starts_until_it_is_run_again()
    {
        var target = await RestoredAsync();
        var sums = Rows(await target.SumsAsync(Cancellation));
        await ExecuteAsync(target.Connection!, """
            CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(10); RETURN NULL; END $$;
            CREATE CONSTRAINT TRIGGER lose AFTER INSERT ON users DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION lose()
            """);
        (await target.RefuseAsync("restore", archive, "--force")).ShouldStartWith("The connection was lost while the database committed: ");
        var mark = Path.Combine(target.Data, "restore.unfinished");
        File.Exists(mark).ShouldBeTrue();
        Directory.GetDirectories(target.Images).Select(Path.GetFileName).ShouldBe(["profile", "profile.old"], ignoreOrder: true);
        await ExecuteAsync(target.Connection!, "DROP TRIGGER lose ON users");
        await target.SucceedAsync("restore", archive, "--force");
        File.Exists(mark).ShouldBeFalse();
        Directory.GetDirectories(target.Images).Select(Path.GetFileName).ShouldBe(["profile"]);
        Rows(await target.SumsAsync(Cancellation)).ShouldBe(sums, ignoreOrder: true);
    }

    [Fact, Trait("Database", "PostgreSql")]
    public async Task While_a_service_of_another_role_runs_it_is_refused_to_a_role_that_sees_little_of_it()
    {
        await RestoredAsync();
        var server = new NpgsqlConnectionStringBuilder(new Installation().Connection!);
        await ExecuteAsync(server.ToString(), "CREATE ROLE owner LOGIN; CREATE ROLE service LOGIN; GRANT ALL ON SCHEMA public TO owner");
        server.Username = "owner";
        var target = new Installation(server.ToString());
        await target.SucceedAsync("migrate");
        server.Username = "service";
        await using (var service = new NpgsqlConnection($"{server};Application Name=profiles"))
        {
            await service.OpenAsync(Cancellation);
            (await target.RefuseAsync("restore", archive)).ShouldStartWith("The database is in use: ");
        }
        await target.SucceedAsync("restore", archive);
    }

    async Task ExecuteAsync(string server, string sql)
    {
        await using var connection = new NpgsqlConnection(server);
        await connection.OpenAsync(Cancellation);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(Cancellation);
    }

    // As a kill between the exchange of the images and that of the database leaves it.
    async Task<string> HalveAsync(Installation target)
    {
        var (mark, images) = (Path.Combine(target.Data, "restore.unfinished"), Path.Combine(target.Images, "profile"));
        await File.WriteAllTextAsync(mark, "", Cancellation);
        Directory.Move(images, images + ".old");
        Directory.CreateDirectory(images);
        await File.WriteAllTextAsync(Path.Combine(images, "4711.jpg"), "of the half one", Cancellation);
        return mark;
    }

    async Task<Installation> RestoredAsync()
    {
        var (exitCode, _, error) = await app.RunAsync("backup", archive);
        exitCode.ShouldBe(0, error);
        var target = new Installation();
        await target.SucceedAsync("restore", archive);
        return target;
    }

    // A real archive with another manifest and one more entry, with true checksums and a true seal.
    async Task ForgeAsync(Func<string, string> change, Action<TarWriter> add, bool isWhole = true)
    {
        await app.RunAsync("backup", archive);
        using var forged = new MemoryStream();
        var tar = new TarWriter(forged, TarEntryFormat.Ustar, leaveOpen: true);
        using (var real = new TarReader(File.OpenRead(archive)))
        {
            var manifest = (await real.GetNextEntryAsync(cancellationToken: Cancellation))!;
            using var text = new StreamReader(manifest.DataStream!);
            tar.WriteEntry(Archive.Entry(
                Archive.Manifest, new MemoryStream(Encoding.UTF8.GetBytes(change(await text.ReadToEndAsync(Cancellation))))));
            add(tar);
            while (isWhole && await real.GetNextEntryAsync(copyData: true, Cancellation) is { Name: not Archive.Sums } entry)
                tar.WriteEntry(Archive.Entry(entry.Name, entry.DataStream!));
        }
        var entries = new StringBuilder();
        using (var written = new TarReader(new MemoryStream([.. forged.ToArray(), .. new byte[1024]])))
        {
            while (await written.GetNextEntryAsync(copyData: true, Cancellation) is { } entry)
            {
                using var content = new MemoryStream();
                entry.DataStream?.CopyTo(content);
                entries.Append(Archive.Sum(SHA256.HashData(content.ToArray()), entry.Name));
            }
        }
        tar.WriteEntry(Archive.Entry(Archive.Sums, new MemoryStream(Encoding.UTF8.GetBytes(entries.ToString()))));
        forged.Write(Archive.Seal(SHA256.HashData(forged.ToArray())));
        await File.WriteAllBytesAsync(archive, forged.ToArray(), Cancellation);
    }

    static byte[] Packed(string text)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest))
            gzip.Write(Encoding.UTF8.GetBytes(text));
        return packed.ToArray();
    }

    static byte[] Flipped(byte[] bytes, int place)
    {
        byte[] flipped = [.. bytes];
        flipped[place] ^= 1;
        return flipped;
    }

    static Dictionary<string, string> Rows(Dictionary<string, string> sums) =>
        sums.ToDictionary(s => s.Key, s => s.Value[..s.Value.LastIndexOf(' ')]);
}
