using System.Buffers.Text;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Profiles.Data;
using Profiles.Features.ImportUsers;
using Profiles.Infrastructure.Commands;
using Profiles.Tests.Infrastructure.Passwords;

namespace Profiles.Tests.Features.ImportUsers;

/// <summary>The command <c>users import</c>, and the first login of those whom it imports.</summary>
public sealed class ImportUsersTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    const int BatchSize = 500;

    readonly string directory = TemporaryDirectory.Make("import");
    readonly string mark = $"{Guid.NewGuid():N}";

    [Fact]
    public async Task A_line_becomes_a_user_with_all_that_it_has()
    {
        var line = $$"""
            {"external_id":"{{mark}}","email":" Jane@{{mark}}.example ","email_verified_at":"2021-02-03T04:05:06+01:00","name":" Jane ",
             "username":"U.{{mark[..20]}}","bio":"a\r\nb","phone":"+49 151 12345678","birth_date":"1990-05-17","locale":"de_AT",
             "time_zone":"europe/vienna","metadata":{"a": [1]},"is_public":true,"created_at":"2020-01-02T03:04:05","disabled":true,
             "unknown":{"x":1},"password_hash":null}
            """;
        var (exitCode, output, report) = await ImportAsync(line.ReplaceLineEndings(""));

        (exitCode, report).ShouldBe((0, ""));
        output.ShouldContain("1 imported, 0 there already, 0 refused");
        var user = await UserAsync($"jane@{mark}.example");
        (user.ExternalId, user.Email, user.PasswordHash).ShouldBe((mark, $"Jane@{mark}.example", ""));
        user.EmailVerifiedAt.ShouldBe(new DateTime(2021, 2, 3, 3, 5, 6, DateTimeKind.Utc));
        user.CreatedAt.ShouldBe(new DateTime(2020, 1, 2, 3, 4, 5, DateTimeKind.Utc));
        user.DisabledAt.ShouldNotBeNull();
        var profile = user.Profile;
        (profile.Name, profile.Username, profile.Bio, profile.Phone).ShouldBe(("Jane", $"u.{mark[..20]}", "a\nb", "+4915112345678"));
        (profile.BirthDate, profile.Locale, profile.TimeZone).ShouldBe((new DateOnly(1990, 5, 17), "de-AT", "Europe/Vienna"));
        (profile.Metadata, profile.IsPublic, profile.Version).ShouldBe(("""{"a":[1]}""", true, 1));
        var entry = await app.QueryAsync(db => db.AuditLog.Where(e => e.Action == "users.imported").OrderBy(e => e.Id).LastAsync());
        (entry.UserId, entry.Detail).ShouldBe((null, "1 imported, 0 there already, 0 refused"));
        entry.Actor.ShouldStartWith("command:");
    }

    [Fact]
    public async Task A_line_needs_no_more_than_an_address_and_a_name()
    {
        // With a byte order mark, blank lines and other line ends.
        var (exitCode, _, report) = await ImportAsync(
            $"\ufeff{Line("a")}\r\n\r\n  \n\n{{\"email\":\"b@{mark}.example\",\"name\":\"B\",\"email_verified\":true,\"username\":null}}");

        (exitCode, report).ShouldBe((0, ""));
        var user = await UserAsync($"a@{mark}.example");
        (user.ExternalId, user.EmailVerifiedAt, user.DisabledAt, user.PasswordHash).ShouldBe((null, null, null, ""));
        (TimeProvider.System.GetUtcNow().UtcDateTime - user.CreatedAt).ShouldBeLessThan(TimeSpan.FromMinutes(5));
        (await UserAsync($"b@{mark}.example")).EmailVerifiedAt.ShouldNotBeNull();
        await (await LogInAsync("a", "")).ShouldBeProblemAsync(HttpStatusCode.BadRequest);
        await (await LogInAsync("a", "correct horse battery staple")).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
    }

    public static TheoryData<string, string> Hashes => new()
    {
        // The service hashes at cost 4 here.
        { "naïve café ☕",
            "\"password_hash\":\"$2b$05$iozof9UnCC2nInWBWmpAaucSPP.jCr4BgomXsicbh6lHbdITcGf6S\",\"password_algorithm\":\"bcrypt\"" },
        { "password", "\"password_hash\":\"$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc\"" },
        { "lètmein", "\"password_hash\":\"pbkdf2_sha256$260000$seasalt$YlZ2Vggtqdc61YjArZuoApoBh9JNGYoDRBUGu6tcJQo=\"" },
        { "toomanysecrets",
            "\"password_hash\":\"$pbkdf2-sha256$29000$N2YMIWQsBWBMae09x1jrPQ$1t8iyB2A.WF/Z5JZv.lfCIhXXN33N23OSgQYThBYRfk\"" },
        { "a word", $"\"password_hash\":\"{new Microsoft.AspNetCore.Identity.PasswordHasher<string>().HashPassword("", "a word")}\"" },
        { "user1password", "\"password_hash\":\"lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==\","
            + "\"password_salt\":\"42xEC+ixf3L2lw==\",\"password_algorithm\":\"SCRYPT\"" },
    };

    [Theory]
    [MemberData(nameof(Hashes))]
    public async Task The_first_login_replaces_the_hash(string password, string members)
    {
        var parameters = Write("firebase", ImportedHashTests.FirebaseConsole);
        var (exitCode, _, report) = await ImportAsync(Line("a", members), "--firebase", parameters);
        (exitCode, report).ShouldBe((0, ""));
        var imported = (await UserAsync($"a@{mark}.example")).PasswordHash;

        await (await LogInAsync("a", password + "x")).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        (await UserAsync($"a@{mark}.example")).PasswordHash.ShouldBe(imported);
        await (await LogInAsync("a", password)).ShouldBeAsync(HttpStatusCode.OK);
        var replaced = (await UserAsync($"a@{mark}.example")).PasswordHash;
        // Bcrypt at no lower cost is the service's own.
        if (imported.StartsWith("$2"))
            replaced.ShouldBe(imported);
        else
            replaced.ShouldStartWith("$2a$04$");
        await (await LogInAsync("a", password)).ShouldBeAsync(HttpStatusCode.OK);
        await (await LogInAsync("a", password + "x")).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        (await UserAsync($"a@{mark}.example")).PasswordHash.ShouldBe(replaced);
    }

    [Theory]
    [InlineData(SoftAuthenticator.ES256)]
    [InlineData(SoftAuthenticator.EdDSA)]
    [InlineData(SoftAuthenticator.RS256)]
    public async Task An_imported_passkey_logs_in(int algorithm)
    {
        // The other service's handle is the user's id there, as text.
        using var phone = new SoftAuthenticator(algorithm) { Counter = 7, UserHandle = Encoding.ASCII.GetBytes($"{Guid.NewGuid()}") };
        var (exitCode, _, report) = await ImportAsync(Line("a", $$"""
            "created_at":"2020-01-02T03:04:05","passkeys":[{{Passkey(phone)[..^1]}},"sign_count":7,"name":" Phone ","backed_up":true,
            "aaguid":"fbfc3007-154e-4ecc-8c0b-6e020557d7bd","transports":["internal","telepathy"]}]
            """.ReplaceLineEndings("")));
        (exitCode, report).ShouldBe((0, ""));
        var user = await UserAsync($"a@{mark}.example");
        var passkey = await app.QueryAsync(db => db.Passkeys.AsNoTracking().SingleAsync(p => p.UserId == user.Id));
        (passkey.Name, passkey.SignCount, passkey.IsBackupEligible, passkey.IsBackedUp, passkey.Transports, passkey.CreatedAt)
            .ShouldBe(("Phone", 7, true, true, "internal", user.CreatedAt));
        passkey.Aaguid.ShouldBe(new("fbfc3007-154e-4ecc-8c0b-6e020557d7bd"));
        await (await phone.LogInAsync(app.Client)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        phone.Counter++;
        var tokens = await (await phone.LogInAsync(app.Client)).ShouldBeAsync(HttpStatusCode.OK);
        // Another passkey of the person has the same handle.
        using var client = app.ClientFor(new(user.Id, "", "", "", tokens.GetProperty("access_token").GetString()!));
        using var key = new SoftAuthenticator();
        await (await key.RegisterAsync(client)).ShouldBeAsync(HttpStatusCode.Created);
        key.UserHandle.ShouldBe(phone.UserHandle);
    }

    [Fact]
    public async Task A_passkey_that_is_malformed_or_somebodys_is_refused()
    {
        using SoftAuthenticator phone = new() { UserHandle = [1] }, other = new(SoftAuthenticator.ES384) { UserHandle = [1] };
        var id = Base64Url.EncodeToString(phone.CredentialId);
        await ImportAsync(Line("a", $$"""
            "passkeys":[{{Passkey(phone)}}]
            """));
        var (exitCode, _, report) = await ImportAsync(string.Join('\n', new[]
        {
            Passkey(phone), Passkey(other), Passkey(phone).Replace("\"backup_eligible\":true", "\"backup_eligible\":null"),
            Passkey(phone).Replace("true", "false,\"backed_up\":true"), "null", "{}", Passkey(phone)[..^1] + ",\"user_handle\":1}",
            Passkey(phone)[..^1] + ",\"created_at\":\"2999-01-01T00:00:00Z\"}", Passkey(phone)[..^1] + ",\"name\":\"a\\u0000\"}",
            $"{Passkey(phone)},{Passkey(phone)}",
            // The same bytes with spare bits.
            Passkey(phone).Replace(id, id[..^1] + (char)(id[^1] + 1)), Passkey(phone).Replace("\"AQ\"", "\"AR\""),
        }.Select((passkey, i) => Line($"b{i}", $"\"passkeys\":[{passkey}]"))));
        exitCode.ShouldBe(1);
        report.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonDocument.Parse(l).RootElement)
            .Select(r => $"{r.GetProperty("line")} {r.GetProperty("field")} {r.GetProperty("code")}").ShouldBe(
            [
                "2 passkeys passkeys_invalid", "3 passkeys passkeys_invalid", "4 passkeys passkeys_invalid", "5 passkeys passkeys_invalid",
                "6 passkeys passkeys_invalid", "7  malformed_json", "8 passkeys time_invalid", "9 passkeys passkeys_invalid",
                "10 passkeys repeated", "10 passkeys repeated", "11 passkeys passkeys_invalid", "12 passkeys passkeys_invalid",
                "1 passkeys passkey_taken",
            ]);
    }

    static string Passkey(SoftAuthenticator passkey) => JsonSerializer.Serialize(new
    {
        credential_id = Base64Url.EncodeToString(passkey.CredentialId),
        public_key = Base64Url.EncodeToString(passkey.PublicKey()),
        user_handle = Base64Url.EncodeToString(passkey.UserHandle),
        backup_eligible = true,
    });

    [Fact]
    public async Task A_password_that_changes_during_the_first_login_is_not_overwritten()
    {
        await ImportAsync(Line("a", "\"password_hash\":\"pbkdf2_sha256$260000$seasalt$YlZ2Vggtqdc61YjArZuoApoBh9JNGYoDRBUGu6tcJQo=\""));
        Task<HttpResponseMessage> login;
        using (var scope = app.Services.CreateScope())
        {
            var db = scope.ServiceProvider.GetRequiredService<ProfilesDbContext>();
            await using var change = await db.Database.BeginTransactionAsync(Cancellation);
            await db.Users.Where(u => u.NormalizedEmail == $"a@{mark}.example")
                .ExecuteUpdateAsync(s => s.SetProperty(u => u.PasswordHash, "another"), Cancellation);
            login = LogInAsync("a", "lètmein");
            await Task.Delay(TimeSpan.FromSeconds(1), Cancellation);
            login.IsCompleted.ShouldBeFalse();
            await change.CommitAsync(Cancellation);
        }
        await (await login).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        (await UserAsync($"a@{mark}.example")).PasswordHash.ShouldBe("another");
    }

    [Fact]
    public async Task The_secret_of_an_authenticator_app_is_asked_for_from_the_first_login_on()
    {
        const string Hash = "$2b$05$iozof9UnCC2nInWBWmpAaucSPP.jCr4BgomXsicbh6lHbdITcGf6S";
        var (exitCode, _, report) = await ImportAsync(
            $"{Line("a", $"\"password_hash\":\"{Hash}\",\"totp_secret\":\"gezd gnbv gy3t qojq gezd gnbv gy3t qojq\"")}\n{Line("b")}");
        (exitCode, report).ShouldBe((0, ""));
        var user = await UserAsync($"a@{mark}.example");
        var enrolled = new EnrolledUser(
            new(user.Id, "a", user.Email!, "naïve café ☕", ""), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", []);
        await app.LogInAsync(enrolled);
        (await app.QueryAsync(db => db.SecondFactors.CountAsync(f => db.Users.Any(u => u.Id == f.UserId
            && u.NormalizedEmail!.EndsWith($"@{mark}.example")), Cancellation))).ShouldBe(1);
    }

    [Theory]
    [InlineData("")]
    [InlineData("GEZDGNBVGY3TQOI")]
    [InlineData("12345678901234567890")]
    public async Task What_no_authenticator_app_takes_is_refused_and_not_reported(string secret)
    {
        var (exitCode, _, report) = await ImportAsync(Line("a", $"\"totp_secret\":\"{secret}\""));
        exitCode.ShouldBe(CommandLine.Failed);
        Codes(report).ShouldBe([(1, "totp_secret", "totp_secret_invalid")]);
        if (secret.Length > 0)
            report.ShouldNotContain(secret);
        (await CountAsync()).ShouldBe(0);
    }

    [Theory]
    [InlineData("", "malformed_json", "{")]
    [InlineData("", "malformed_json", "[]")]
    [InlineData("", "malformed_json", "null")]
    [InlineData("", "malformed_json", """{"name":"A","name":"B"}""")]
    [InlineData("", "line_too_long", "long")]
    [InlineData("name", "name_required", """{"email":"a@example.com"}""")]
    [InlineData("email", "email_required", """{"name":"A"}""")]
    [InlineData("email", "email_required", """{"name":"A","email":null}""")]
    [InlineData("email", "email_invalid", """{"name":"A","email":"ä@example.com"}""")]
    [InlineData("is_public", "wrong_type", """{"name":"A","email":"a@example.com","is_public":"yes"}""")]
    [InlineData("created_at", "wrong_type", """{"name":"A","email":"a@example.com","created_at":1500000000}""")]
    [InlineData("phone", "phone_invalid", """{"name":"A","email":"a@example.com","phone":"0151 1234567"}""")]
    [InlineData("username", "username_reserved", """{"name":"A","email":"a@example.com","username":"admin"}""")]
    [InlineData("birth_date", "birth_date_in_future", """{"name":"A","email":"a@example.com","birth_date":"2999-01-01"}""")]
    [InlineData("metadata", "metadata_invalid", """{"name":"A","email":"a@example.com","metadata":[]}""")]
    [InlineData("metadata", "metadata_too_large", """{"name":"A","email":"a@example.com","metadata":{"a":"large"}}""")]
    [InlineData("created_at", "time_invalid", """{"name":"A","email":"a@example.com","created_at":"2999-01-01T00:00:00Z"}""")]
    [InlineData("email_verified_at", "time_invalid", """{"name":"A","email":"a@example.com","email_verified_at":"1969-12-31T23:59:59Z"}""")]
    [InlineData("external_id", "external_id_invalid", """{"name":"A","email":"a@example.com","external_id":""}""")]
    [InlineData("external_id", "external_id_invalid", """{"name":"A","email":"a@example.com","external_id":"a\u0000"}""")]
    [InlineData("password_hash", "hash_unknown", """{"name":"A","email":"a@example.com","password_hash":"secret"}""")]
    [InlineData("password_hash", "hash_unknown",
        """{"name":"A","email":"a@example.com","password_hash":"$2b$31$iozof9UnCC2nInWBWmpAaucSPP.jCr4BgomXsicbh6lHbdITcGf6S"}""")]
    [InlineData("password_hash", "hash_too_costly",
        """
        {"name":"A","email":"a@example.com",
        "password_hash":"pbkdf2_sha256$99999999$salt$YlZ2Vggtqdc61YjArZuoApoBh9JNGYoDRBUGu6tcJQo="}
        """)]
    [InlineData("password_hash", "hash_of_other_algorithm",
        """
        {"name":"A","email":"a@example.com","password_algorithm":"scrypt",
        "password_hash":"pbkdf2_sha256$1000$salt$YlZ2Vggtqdc61YjArZuoApoBh9JNGYoDRBUGu6tcJQo="}
        """)]
    [InlineData("password_hash", "salt_unexpected",
        """{"name":"A","email":"a@example.com","password_hash":"x","password_salt":"c2FsdA=="}""")]
    public async Task A_line_is_refused_by_its_field_and_reason(string field, string code, string line)
    {
        line = line.ReplaceLineEndings("").Replace("large", new string('x', 17_000)).Replace("long", new string(' ', 70_000) + "{}");
        var (exitCode, output, report) = await ImportAsync($"{Line("good")}\n{line}\n");

        exitCode.ShouldBe(CommandLine.Failed);
        output.ShouldContain("1 imported, 0 there already, 1 refused");
        var refusal = JsonDocument.Parse(report).RootElement;
        (refusal.GetProperty("line").GetInt64(), refusal.GetProperty("field").GetString(), refusal.GetProperty("code").GetString())
            .ShouldBe((2, field, code));
        refusal.GetProperty("sentence").GetString().ShouldNotBeNullOrEmpty();
        // No value: the report may be handed on.
        report.ShouldNotContain("a@example.com");
        report.ShouldNotContain("secret");
    }

    [Fact]
    public async Task What_is_taken_or_repeated_is_refused_and_what_is_there_is_skipped()
    {
        var registered = await app.CreateUserAsync();
        var first = string.Join('\n',
            Line("a", $"\"external_id\":\"{mark}-a\",\"username\":\"{mark[..20]}\""),
            // Repeats: the address in another case, the external id, the username.
            Line("A"),
            Line("b", $"\"external_id\":\"{mark}-a\""),
            Line("c", $"\"username\":\"{mark[..20].ToUpperInvariant()}\""),
            // An address that somebody has registered here.
            $$"""{"name":"A","email":"{{registered.Email}}","external_id":"{{mark}}-d"}""",
            Line("e"));
        var (exitCode, output, report) = await ImportAsync(first);

        exitCode.ShouldBe(CommandLine.Failed);
        output.ShouldContain("2 imported, 0 there already, 4 refused");
        Codes(report).ShouldBe([(2, "email", "repeated"), (3, "external_id", "repeated"), (4, "username", "repeated"),
            (5, "email", "email_taken")], ignoreOrder: true);

        // The same users again, one with another address meanwhile; and others who want what those have.
        (exitCode, output, report) = await ImportAsync(string.Join('\n',
            Line("a2", $"\"external_id\":\"{mark}-a\""), Line("e"),
            Line("f", $"\"username\":\"{mark[..20]}\""), Line("A", $"\"external_id\":\"{mark}-g\"")));
        exitCode.ShouldBe(CommandLine.Failed);
        output.ShouldContain("0 imported, 2 there already, 2 refused");
        Codes(report).ShouldBe([(3, "username", "username_taken"), (4, "email", "email_taken")], ignoreOrder: true);
        (await CountAsync()).ShouldBe(2);
    }

    [Fact]
    public async Task Identities_come_with_their_users_and_belong_to_one()
    {
        string Of(string id, string provider) => $"\"external_id\":\"{mark}-{id}\",\"identities\":"
            + $"[{{\"provider\":\"{provider}\",\"subject\":\"{mark}\",\"email\":\"x@gmail.com\"}}]";
        var (exitCode, output, report) = await ImportAsync(string.Join('\n',
            Line("a", Of("a", "google")), Line("b", Of("b", "apple")), Line("c", Of("c", "google")), Line("d", Of("d", "Google")),
            Line("e", "\"identities\":[{\"provider\":\"google\"}]"), Line("f", "\"identities\":[null]")));
        exitCode.ShouldBe(CommandLine.Failed);
        output.ShouldContain("2 imported, 0 there already, 4 refused");
        Codes(report).ShouldBe([(3, "identities", "repeated"), (4, "identities", "identities_invalid"),
            (5, "identities", "identities_invalid"), (6, "identities", "identities_invalid")]);
        var user = await UserAsync($"a@{mark}.example");
        var identity = await app.QueryAsync(db => db.Identities.SingleAsync(i => i.UserId == user.Id));
        (identity.Provider, identity.Subject, identity.Email, identity.CreatedAt)
            .ShouldBe(("google", mark, "x@gmail.com", user.CreatedAt));

        (_, _, report) = await ImportAsync(Line("h", Of("h", "google")));
        Codes(report).ShouldBe([(1, "identities", "identity_taken")]);
    }

    [Fact]
    public async Task Without_a_report_the_first_refusals_are_shown()
    {
        var file = Write("users", string.Join('\n', Enumerable.Repeat("{}", 30)));
        var (exitCode, output, _) = await app.RunAsync("users", "import", file);

        exitCode.ShouldBe(CommandLine.Failed);
        output.ShouldContain("Line 1, name: A name is needed. (name_required)");
        output.ShouldContain("Line 20, email: An e-mail address is needed. (email_required)");
        output.ShouldNotContain("Line 21");
        output.ShouldContain("--report FILE names them all");
    }

    [Fact]
    public async Task A_dry_run_says_what_would_be_done_and_writes_nothing()
    {
        var text = string.Join('\n', Line("a"), Line("a"), Line("b"));
        var (exitCode, output, report) = await ImportAsync(text, "--dry-run");

        exitCode.ShouldBe(CommandLine.Failed);
        output.ShouldContain("Nothing was written (--dry-run); users: 2 to import, 0 there already, 1 refused.\n");
        Codes(report).ShouldBe([(2, "email", "repeated")]);
        (await CountAsync()).ShouldBe(0);
        (await app.QueryAsync(db => db.AuditLog.CountAsync(e => e.Detail!.StartsWith("2 ") && e.Detail.EndsWith(", 1 refused"))))
            .ShouldBe(0);
    }

    [Fact]
    public async Task An_interrupted_run_leaves_whole_batches_and_the_next_does_the_rest()
    {
        const int Total = 20 * BatchSize;
        var file = Write("users", Lines(Total));
        using var interrupt = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        using var scope = app.Services.CreateScope();
        using var output = new StringWriter();
        var command = new ImportUsersCommand();
        var run = command.RunAsync(new(command.Parse([file]), scope.ServiceProvider, output, null), interrupt.Token);
        while (await CountAsync() == 0)
            await Task.Delay(5, Cancellation);
        await interrupt.CancelAsync();

        await run.ShouldThrowAsync<OperationCanceledException>();
        var saved = await CountAsync();
        saved.ShouldBeInRange(BatchSize, Total - BatchSize);
        (saved % BatchSize).ShouldBe(0);
        output.ToString().ShouldContain($"{saved} imported, 0 there already, 0 refused");
        var (exitCode, rest, _) = await ImportAsync(await File.ReadAllTextAsync(file, Cancellation));
        exitCode.ShouldBe(0);
        rest.ShouldContain($"{Total - saved} imported, {saved} there already, 0 refused");
        (await CountAsync()).ShouldBe(Total);
    }

    [Fact]
    public async Task Somebody_who_registers_during_the_run_keeps_the_address()
    {
        var file = Write("users", Lines(BatchSize));
        Task<(int ExitCode, string Output, string Error)> run;
        using (var scope = app.Services.CreateScope())
        {
            var db = scope.ServiceProvider.GetRequiredService<ProfilesDbContext>();
            await using var registration = await db.Database.BeginTransactionAsync(Cancellation);
            var email = $"u7@{mark}.example";
            db.Users.Add(new() { Email = email, NormalizedEmail = email, Profile = new() { Name = "First" } });
            await db.SaveChangesAsync(Cancellation);
            run = app.RunAsync("users", "import", file);
            // The run has looked for the addresses of its batch, and waits to write.
            await Task.Delay(TimeSpan.FromSeconds(1), Cancellation);
            run.IsCompleted.ShouldBeFalse();
            await registration.CommitAsync(Cancellation);
        }
        var (exitCode, output, _) = await run;
        exitCode.ShouldBe(CommandLine.Failed);
        output.ShouldContain("Line 8, email: Email already registered (email_taken)");
        output.ShouldContain($"{BatchSize - 1} imported, 0 there already, 1 refused");
        (await UserAsync($"u7@{mark}.example")).Profile.Name.ShouldBe("First");
    }

    [Theory]
    [InlineData("no-such-file", "cannot be read")]
    [InlineData("users", "is there already: each run needs a new file for its report.", "--report", "users")]
    [InlineData("users", "does not have base64_signer_key", "--firebase", "users")]
    public async Task A_file_that_cannot_be_used_is_named(string name, string sentence, params string[] more)
    {
        Write("users", Line("a"));
        var (exitCode, _, error) = await app.RunAsync(
            ["users", "import", Path.Combine(directory, name), .. more.Select(m => m == "users" ? Path.Combine(directory, m) : m)]);

        exitCode.ShouldBe(CommandLine.Failed);
        error.ShouldContain(sentence);
        (await CountAsync()).ShouldBe(0);
        (await File.ReadAllTextAsync(Path.Combine(directory, "users"), Cancellation)).ShouldBe(Line("a"));
    }

    static (long, string?, string?)[] Codes(string report) =>
    [
        .. report.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonDocument.Parse(l).RootElement)
            .Select(r => (r.GetProperty("line").GetInt64(), r.GetProperty("field").GetString(), r.GetProperty("code").GetString())),
    ];

    string Line(string name, string members = "\"external_id\":null") =>
        $$"""{"name":"{{name}}","email":"{{name}}@{{mark}}.example",{{members}}}""";

    string Lines(int count) =>
        string.Join('\n', Enumerable.Range(0, count).Select(i => Line($"u{i}", $"\"external_id\":\"{mark}-{i}\"")));

    string Write(string name, string text)
    {
        var file = Path.Combine(directory, name);
        File.WriteAllText(file, text);
        return file;
    }

    async Task<(int ExitCode, string Output, string Report)> ImportAsync(string text, params string[] options)
    {
        var report = Path.Combine(directory, $"{Guid.NewGuid():N}");
        var (exitCode, output, error) = await app.RunAsync(["users", "import", Write("users", text), "--report", report, .. options]);
        error.ShouldBe("");
        return (exitCode, output, await File.ReadAllTextAsync(report, Cancellation));
    }

    Task<int> CountAsync() => app.QueryAsync(db => db.Users.CountAsync(u => u.NormalizedEmail!.EndsWith($"@{mark}.example"), Cancellation));

    Task<User> UserAsync(string email) =>
        app.QueryAsync(db => db.Users.AsNoTracking().Include(u => u.Profile).SingleAsync(u => u.NormalizedEmail == email, Cancellation));

    Task<HttpResponseMessage> LogInAsync(string name, string password) =>
        app.Client.PostAsJsonAsync("/login", new { email = $"{name}@{mark}.example", password }, Cancellation);
}
