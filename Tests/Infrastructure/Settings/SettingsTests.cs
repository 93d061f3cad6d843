using System.Net;
using System.Net.Sockets;
using Profiles.Infrastructure.Limits;
using Profiles.Infrastructure.Tokens;

namespace Profiles.Tests.Infrastructure.Settings;

/// <summary>An invalid value stops the start with a message that names the setting and not its value.</summary>
// Independent of the database, so it runs on one engine only.
[Trait("Database", "Sqlite")]
public sealed class SettingsTests
{
    static CancellationToken Token => TestContext.Current.CancellationToken;

    const string SoundKey = "iD0Qm2vYx7bT4kSe9wLr1uNc6aHf8jPz3gVo";

    // Keys from documentation, tutorials and templates.
    static readonly string[] WellKnownKeys =
    [
        "a-string-secret-at-least-256-bits-long", "your-256-bit-secret-your-256-bit-secret",
        "your-super-secret-jwt-token-with-at-least-32-characters-long",
        "super-secret-jwt-token-with-at-least-32-characters-long", "your-secret-key-must-be-at-least-32-characters-long",
        "this-is-a-very-long-secret-key-for-jwt-signing",
        "this is my custom Secret key for authentication", "A Secret Token Signing Key Longer Than 32 Characters",
        "TokenSigningKeyShouldBeAtLeast32CharactersLong",
        "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7", "ThisIsASecretKeyForJwtAuthentication1234567890",
        "changemechangemechangemechangeme",
        "CHANGEMECHANGEMECHANGEMECHANGEME", "secretsecretsecretsecretsecretsecret", "01234567890123456789012345678901",
        "12345678901234567890123456789012",
    ];

    public static TheoryData<string, string[]> RefusedValues => new()
    {
        { "Jwt__SigningKey", ["", "secret", SoundKey[..31], new string('\u00FC', 32), new string(' ', 31) + "\t", WellKnownKeys[0],
            WellKnownKeys[5]] },
        { "Jwt__PreviousSigningKey", ["secret", WellKnownKeys[0]] },
        { "Jwt__Lifetime", ["a moment", "-01:00:00", "00:00:01", "3600", "1e9"] },
        { "Jwt__Issuer", [""] },
        { "Jwt__Audience", [""] },
        { "Jwt__Typo", ["whatever"] },
        { "Passwords__WorkFactor", ["3", "9", "17", "32", "-1", "many rounds", "99999999999", ""] },
        { "Passwords__MinimumLength", ["0", "4", "65", "eight characters"] },
        { "Passwords__Typo", ["whatever"] },
        { "Passwords__Blocklist", ["perhaps", ""] },
        { "Accounts__RequireVerifiedEmail", ["perhaps"] },
        { "Accounts__ResetLifetime", ["0", "00:04:59", "1.00:00:01"] },
        { "Accounts__VerifyLifetime", ["00:59:00", "31.00:00:00"] },
        { "Accounts__Typo", ["whatever"] },
        { "Passkeys__RelyingPartyId", ["", "https://profiles.example", "profiles.example:443", "Profiles.example", "127.0.0.1", "com",
            "other.example", "app.profiles.example", "rofiles.example"] },
        { "Passkeys__RelyingPartyName", ["", new string('x', 61)] },
        { "Passkeys__Origins", ["nonsense", "https://profiles.example/", "https://PROFILES.example", "http://profiles.example",
            "https://other.example", "https://evilprofiles.example", "android:apk-key-hash:AAECAw", "https://profiles.example;https://x"] },
        { "Passkeys__AndroidApps", ["org.example.app", "example 00:01", "org.example.app 14:6D", "org/example.app 14:6D:E9"] },
        { "Passkeys__AppleApps", ["org.example.app", "ABCDE12346", "ABCDE12345.com/example"] },
        { "Passkeys__Typo", ["whatever"] },
        { "Mail__Host", ["", "not a host", "smtp://mail.example.com"] },
        { "Mail__From", ["nobody", "J\u00FCrgen <a@example.com>", "a@example.com\nBcc: b@example.com"] },
        { "Mail__Port", ["0", "65536", "smtp"] },
        { "Mail__Username", ["somebody"] },
        { "Mail__AccessToken", ["", "two words", "token-without-a-name"] },
        { "Mail__AccessTokenFile", ["/proc/nowhere/token"] },
        { "Mail__Tls", ["", "7", "perhaps"] },
        { "Mail__EhloName", ["", "not a host", "b\u00FCcher.example", "a.example\r\nRSET"] },
        { "Mail__RootCertificate", ["/proc/nowhere/root.pem", "/proc/self/status"] },
        { "Mail__Timeout", ["0", "00:06:00"] },
        { "Mail__ResetUrl", ["https://phones.example.net/new", "/relative?code={token}", "https://app.example.com/{token}/{token}",
            "javascript:alert('{token}')"] },
        { "Mail__VerifyUrl", ["nonsense", "https://app.example.com/<b>{token}"] },
        { "Mail__Templates", ["", "/proc/nowhere/templates", "/proc/self/status"] },
        { "Mail__Typo", ["whatever"] },
        { "Images__MaxBytes", ["-1", "0", "209715201", "99999999999999999999", "20 MiB"] },
        { "Images__MaxPixels", ["-1", "0", "500000001", "a hundred million"] },
        { "Images__MaxSide", ["-1", "0", "15", "8193", "1024px"] },
        { "Images__Workers", ["0", "-1", "257", "all"] },
        { "Images__WorkerMemory", ["-1", "268435455", "99999999999", "1 GiB"] },
        { "Images__WorkerPictures", ["0", "many"] },
        { "Images__DecodeTimeout", ["0", "00:00:00.5", "00:06:00", "a while"] },
        { "Images__UploadMemory", ["0", "20971520", "a lot"] },
        { "Images__UploadTimeout", ["0", "01:00:01", "a while"] },
        { "Images__Grace", ["0", "2.00:00:00", "a while"] },
        { "Images__Storage", ["Dropbox", "7", "Cloudinary", "S3"] },
        { "Images__Directory", ["", "/proc/nowhere/pictures"] },
        { "Images__Typo", ["whatever"] },
        { "CLOUDINARY_URL", ["nonsense", "https://res.cloudinary.com/demo", "cloudinary://only-the-key@demo",
            "cloudinary://123456789012345:hidden-secret@"] },
        { "Cloudinary__ApiBaseAddress", ["nonsense", "ftp://api.example.com", ""] },
        { "Cloudinary__Timeout", ["0", "-00:00:05", "01:00:00", "a while"] },
        { "S3__Bucket", ["no bucket", "a", "two/parts", ""] },
        { "S3__Endpoint", ["nonsense", "ftp://s3.example.com", "https://s3.example.com/path"] },
        { "S3__Region", ["", "nowhere/at all"] },
        { "S3__AccessKey", ["hidden"] },
        { "S3__SecretKey", ["hidden", ""] },
        { "S3__PathStyle", ["perhaps"] },
        { "S3__Prefix", ["", "/begins-with-one", "a space", new string('x', 201)] },
        { "S3__PublicAddress", ["nonsense", "https://cdn.example.com/?tenant=hidden"] },
        { "S3__PresignedLifetime", ["00:00:01", "7.00:00:01", "a while"] },
        { "S3__Timeout", ["0", "00:06:00", "a while"] },
        { "S3__Typo", ["whatever"] },
        { "ProductName", [" ", new string('x', 61), "Pro\nfiles"] },
        { "BodyTimeout", ["0", "00:10:01", "a while"] },
        { "PublicBaseUrl", ["nonsense", "ftp://files.example.com", "https://profiles.example/?tenant=hidden",
            "https://somebody:hidden@profiles.example", "/relative/path", ""] },
        { "OpenApi__Enabled", ["perhaps", ""] },
        { "OpenApi__Typo", ["whatever"] },
        { "Cors__Origins", ["nonsense", "*", "null", "https://app.example.com/path", "https://app.example.com/",
            "https://app.example.com,nonsense", "ftp://app.example.com", "https://*.example.com"] },
        { "Cors__Typo", ["whatever"] },
        { "AllowedHosts", ["", " ; ", "b\u00FC..x"] },
        { "TrustedProxies", ["nonsense", "10.0.0.0/8,proxy.example.com", "10.1", "10.1/8", "10.0.0.0/33", "::1/129"] },
        { "Limits__Enabled", ["perhaps", ""] },
        { "Limits__LoginFailures", ["0", "-1", "1000001", "a few"] },
        { "Limits__Typo", ["whatever"] },
        { "DataDirectory", ["", "/proc/nowhere", "/proc/self"] },
        { "ConnectionStrings__Profiles",
            ["", "nonsense", "Data Source=/proc/nowhere/profiles.db", "Data Source=/proc/self/cmdline", "Data Source=:memory:",
            "Data Source=hidden;Mode=Memory", "Data Source=file:hidden?mode=memory", "Filename=x;Typo=hidden"] },
        { "ConnectionStrings__Profiles",
            ["Host=db.example.com;Port=hidden", "Host=db.example.com;Typo=hidden", "postgres://user:hidden@db.example.com:99999/app",
            "postgres://user:hidden@/app", "postgresql://db.example.com/app?typo=hidden", "postgres://db.example.com/app?sslmode=hidden",
            "mysql://user:hidden@db.example.com/app"] },
        { "Database__Provider", ["MySql", "7", "", "PostgreSql"] },
        { "Database__Timeout", ["0", "00:00:02", "00:00:03.5", "00:02:00", "five"] },
        { "Sessions__RefreshLifetime", ["0", "00:59:59", "3651.00:00:00", "sixty days"] },
        { "Sessions__ReuseWindow", ["-00:00:01", "01:00:01", "never"] },
        { "Sessions__PerUser", ["0", "1001", "many"] },
        { "Database__Typo", ["whatever"] },
        { "Jwt__KeyEncryptionKey", ["", "secret", WellKnownKeys[0]] },
        { "Identities__Typo", ["whatever"] },
        { "Identities__Google__Typo", ["whatever"] },
        { "Identities__Google__Issuer", ["nonsense", "ftp://id.example.com", "http://id.example.com", "http://127.0.0.1:1", ""] },
        { "Identities__Google__Audiences", [""] },
        { "Identities__Google__Audiences__0", [""] },
        { "Identities__Google__HashesNonce", ["perhaps"] },
        { "Identities__Apple__Issuer", ["http://id.example.com"] },
        { "Identities__Apple__TeamId", ["hidden", "TEAM123456"] },
        { "Identities__Apple__KeyId", ["key1234567"] },
        { "Identities__Apple__PrivateKeyFile", ["/proc/nowhere/key.p8"] },
        { "Identities__Apple__Audiences", [new string('x', 201)] },
        { "Identities__Providers__company", ["whatever"] },
        { "Identities__Providers__company__Issuer", ["nonsense", "http://id.example.com", "https://id.example.com/?tenant=hidden", ""] },
        { "Identities__Providers__company__Typo", ["whatever"] },
        { "Identities__Providers__Company", ["whatever"] },
        { "Identities__Providers__apple", ["whatever"] },
        { "Metrics__Port", ["0", "65536", "prometheus", ""] },
        { "Metrics__Address", ["", "localhost", "10.0.0.0/8"] },
        { "Metrics__Typo", ["whatever"] },
        { "OTEL_EXPORTER_OTLP_ENDPOINT", ["collector:4317", "ftp://collector"] },
        { "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", ["nonsense", "https://collector/?key=hidden"] },
        { "OTEL_EXPORTER_OTLP_PROTOCOL", ["http/json", "GRPC"] },
        { "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", ["json"] },
        { "ShutdownTimeout", ["0", "00:10:01", "soon"] },
        { "ASPNETCORE_URLS", ["nonsense", "http://127.0.0.1:99999", "ftp://127.0.0.1:21"] },
    };

    [Theory, Trait("Needs", "Process")]
    [MemberData(nameof(RefusedValues))]
    public async Task An_invalid_value_stops_the_start(string setting, string[] values)
    {
        var faults = new List<string>();
        foreach (var value in values)
        {
            // A protocol is needed only where something is exported.
            var (exitCode, output) = await Refusal.OfAsync(
                setting.EndsWith("_PROTOCOL", StringComparison.Ordinal)
                    ? [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1"), (setting, value)] : [(setting, value)]);
            var lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            // All lines but the last are the log, one JSON object per line; the last one is for a person.
            if (exitCode != 1 || !lines[^1].StartsWith("Profiles cannot start: ", StringComparison.Ordinal) || !lines[^1].EndsWith('.')
                || !lines[^1].Contains(setting, StringComparison.Ordinal) || output.Contains("   at ", StringComparison.Ordinal)
                || output.Contains("Exception", StringComparison.Ordinal) || lines[..^1].Any(l => !l.StartsWith('{'))
                || (value.Length > 3 && value is not ("Cloudinary" or "PostgreSql") && output.Contains(value, StringComparison.Ordinal))
                || output.Contains("hidden", StringComparison.Ordinal))
                faults.Add($"\"{value}\" ended with {exitCode} and said: {output}");
        }
        faults.ShouldBeEmpty();
    }

    [Theory, Trait("Needs", "Process")]
    // An empty variable, an empty argument, an unknown setting, and a value that validation refuses.
    [InlineData("Jwt__Issuer", "")]
    [InlineData("Images__Typo", "whatever")]
    [InlineData("CLOUDINARY_URL", "nonsense")]
    public async Task A_process_reports_the_same_message_as_the_test_process(string setting, string value)
    {
        var own = await ServerProcess.RefuseAsync((setting, value));
        own.ShouldBe(await Refusal.InProcessAsync((setting, value)));
        own.ExitCode.ShouldBe(1);
        own.Output.ShouldStartWith($"Profiles cannot start: {setting} ");
    }

    [Theory, Trait("Needs", "Process")]
    [InlineData("Mail__Tls", "None", "mail.example.com", null)]
    [InlineData("Mail__StartTls", "false", "192.0.2.1", null)]
    [InlineData("Mail__Tls", "None", "localhost", "somebody")]
    public async Task Without_TLS_mails_are_sent_to_the_same_machine_only_and_passwords_never(string setting, string value, string host,
        string? username)
    {
        var (exitCode, output) = await Refusal.OfAsync((setting, value), ("Mail__Host", host), ("Mail__From", "a@example.com"),
            ("Mail__Username", username!), ("Mail__Password", username!));
        exitCode.ShouldNotBe(0);
        output.ShouldStartWith("Profiles cannot start: Without TLS (Mail__Tls, Mail__StartTls) Mail__Host must be localhost");
    }

    [Fact, Trait("Needs", "Process")]
    public async Task Without_a_key_of_its_own_S3_needs_a_public_address()
    {
        var (exitCode, output) = await Refusal.OfAsync(("S3__Bucket", "profiles-images"));
        exitCode.ShouldNotBe(0);
        output.ShouldStartWith("Profiles cannot start: S3__PublicAddress must be set where S3__AccessKey is not");
    }

    [Theory]
    [InlineData("Identities__Apple__PrivateKeyFile", "/proc/self/status")]
    [InlineData("Identities__Apple__PrivateKeyFile", "/proc/nowhere/key.p8")]
    public async Task A_key_of_Apple_must_be_one(string setting, string file)
    {
        var (exitCode, output) = await Refusal.InProcessAsync(
            (setting, file), ("Identities__Apple__TeamId", "TEAM123456"), ("Identities__Apple__KeyId", "KEY1234567"));
        exitCode.ShouldBe(1);
        output.ShouldStartWith($"Profiles cannot start: {setting} must be a file with the key for Sign in with Apple");
    }

    [Fact]
    public void A_publicly_known_signing_key_is_refused()
    {
        WellKnownKeys.Where(key => key.Length < 32).ShouldBeEmpty();
        foreach (var key in WellKnownKeys)
            SigningKeys.Refusal(key).ShouldBe("well known", key);
        SigningKeys.Refusal(SoundKey).ShouldBeNull();
    }

    [Theory, Trait("Needs", "Process")]
    [InlineData("Production")]
    [InlineData("Staging")]
    [InlineData("Testing")]
    public async Task PublicBaseUrl_is_required_outside_Development(string environment)
    {
        // Null removes the variable that the test harness sets.
        var (exitCode, output) = await Refusal.OfAsync(("PublicBaseUrl", null!), ("ASPNETCORE_ENVIRONMENT", environment));
        exitCode.ShouldNotBe(0);
        output.ShouldStartWith("Profiles cannot start: PublicBaseUrl must be set in every environment but Development");
    }

    [Fact, Trait("Needs", "Process")]
    public async Task With_required_verification_Production_needs_a_mail_server()
    {
        var (exitCode, output) = await Refusal.OfAsync(("Accounts__RequireVerifiedEmail", "true"));
        exitCode.ShouldNotBe(0);
        output.ShouldStartWith("Profiles cannot start: Accounts__RequireVerifiedEmail needs Mail__Host");
    }

    [Fact, Trait("Needs", "Process")]
    public async Task A_file_in_place_of_a_directory_stops_the_start()
    {
        var file = Path.Combine(TemporaryDirectory.Make("file"), "in-the-place-of-a-directory");
        await File.WriteAllBytesAsync(file, [], Token);
        foreach (var (setting, value) in new[] { ("DataDirectory", file), ("Images__Directory", file) })
        {
            var (exitCode, output) = await Refusal.OfAsync((setting, value));
            exitCode.ShouldNotBe(0);
            output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1].ShouldStartWith("Profiles cannot start: ");
            output.ShouldContain(setting);
            output.ShouldNotContain(file);
            output.ShouldNotContain("   at ");
        }
        File.ReadAllBytes(file).ShouldBeEmpty();
    }

    [Theory, Trait("Needs", "Process")]
    [InlineData("profiles.db", "this is not a database, however long it may be: one has a header of sixteen bytes")]
    [InlineData("signing.key", "short")]
    [InlineData("signing-keys.json", "[]")]
    public async Task A_damaged_file_stops_the_start_and_is_left_as_it_is(string name, string content)
    {
        var directory = TemporaryDirectory.Make("damaged");
        await File.WriteAllTextAsync(Path.Combine(directory, name), content, Token);
        var (exitCode, output) = await Refusal.OfAsync(("DataDirectory", directory));
        exitCode.ShouldNotBe(0);
        output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1].ShouldStartWith("Profiles cannot start: ");
        output.ShouldNotContain("   at ");
        (await File.ReadAllTextAsync(Path.Combine(directory, name), Token)).ShouldBe(content);
    }

    [Fact, Trait("Needs", "Process")]
    public async Task An_address_in_use_stops_the_start()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = $"{((IPEndPoint)taken.LocalEndpoint).Port}";
        foreach (var (setting, value) in new[] { ("ASPNETCORE_URLS", $"http://127.0.0.1:{port}"), ("Metrics__Port", port) })
        {
            var (exitCode, output) = await ServerProcess.RefuseAsync((setting, value));
            exitCode.ShouldNotBe(0);
            // The framework logs the exception too.
            output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]
                .ShouldBe($"Profiles cannot start: The address to listen on ({setting}) is in use already.");
        }
    }

    [Theory]
    [InlineData("http_ports", "8000;abc", "ASPNETCORE_HTTP_PORTS must be ports, separated by semicolons.")]
    [InlineData("https_ports", "65536", "ASPNETCORE_HTTPS_PORTS must be ports, separated by semicolons.")]
    [InlineData("Kestrel__Endpoints__Public__Url", "nonsense",
        "Kestrel__Endpoints__Public__Url must be an address such as http://localhost:8000.")]
    public async Task Ports_and_endpoints_are_validated_beside_a_port_of_their_own(string setting, string value, string sentence) =>
        (await Refusal.InProcessAsync(("ASPNETCORE_URLS", null!), (setting, value), ("Metrics__Port", "9464")))
            .ShouldBe((1, $"Profiles cannot start: {sentence}\n"));

    [Fact, Trait("Needs", "Process")]
    public async Task An_address_of_another_machine_stops_the_start()
    {
        var (exitCode, output) = await ServerProcess.RefuseAsync(("Admin__Port", $"{FreePort.Take()}"), ("Admin__Address", "192.0.2.1"));
        exitCode.ShouldBe(1);
        // The framework logs the exception too.
        output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]
            .ShouldBe("Profiles cannot start: Admin__Address must be an address of this machine.");
    }

    [Fact]
    public async Task A_signal_without_exporter_needs_no_valid_address_of_a_collector()
    {
        // The address to listen on, which is invalid, is read later.
        (await Refusal.InProcessAsync(
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "nonsense"), ("OTEL_TRACES_EXPORTER", "none"), ("OTEL_METRICS_EXPORTER", "none"),
            ("OTEL_LOGS_EXPORTER", "none"))).Output.ShouldStartWith("Profiles cannot start: ASPNETCORE_URLS ");
    }

    [Theory, Trait("Needs", "Process")]
    [InlineData("ASPNETCORE_URLS", "http://127.0.0.1:9464")]
    [InlineData("http_ports", "8000;9464")]
    [InlineData("Kestrel__Endpoints__Public__Url", "http://10.0.0.1:9464")]
    public async Task The_port_of_the_metrics_serves_nothing_else(string setting, string address)
    {
        var (exitCode, output) = await Refusal.OfAsync(("ASPNETCORE_URLS", null!), (setting, address), ("Metrics__Port", "9464"));
        exitCode.ShouldNotBe(0);
        output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]
            .ShouldBe("Profiles cannot start: Metrics__Port must be a port that nothing else of the service listens on.");
    }

    [Fact, Trait("Needs", "Process")]
    public async Task Every_limit_is_validated()
    {
        var limits = typeof(LimitsOptions).GetProperties().Where(p => p.PropertyType == typeof(int)).Select(p => $"Limits__{p.Name}")
            .ToArray();
        limits.Length.ShouldBeGreaterThan(8);
        foreach (var number in new[] { "0", $"{LimitsOptions.Most + 1}" })
        {
            var (exitCode, output) = await Refusal.OfAsync([.. limits.Select(l => (l, number))]);
            exitCode.ShouldNotBe(0);
            limits.Where(l => !output.Contains($"{l} must be between 1 and {LimitsOptions.Most}.", StringComparison.Ordinal))
                .ShouldBeEmpty(output);
        }
    }

    [Fact, Trait("Needs", "Process")]
    public async Task All_invalid_settings_are_named_at_once()
    {
        var (exitCode, output) =
            await Refusal.OfAsync(("Jwt__SigningKey", "secret"), ("Passwords__WorkFactor", "3"), ("Images__MaxSide", "-1"));
        exitCode.ShouldNotBe(0);
        output.ShouldStartWith("Profiles cannot start: ");
        foreach (var setting in new[] { "Jwt__SigningKey", "Passwords__WorkFactor", "Images__MaxSide" })
            output.Split(setting).Length.ShouldBe(2, $"{setting} in: {output}");
        output.ShouldNotContain("   at ");
    }
}
