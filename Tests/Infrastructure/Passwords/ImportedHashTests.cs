using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Passwords;
using IdentityHasher = Microsoft.AspNetCore.Identity.PasswordHasher<string>;

namespace Profiles.Tests.Infrastructure.Passwords;

/// <summary>The hashes of other services: published vectors, and hashes of the libraries that those services use.</summary>
[Trait("Database", "Sqlite")]
public sealed class ImportedHashTests
{
    const string SignerKey = "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==";
    const string FirebaseVector = "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==";
    const string Key = "oFKYuX5T2NaA8ZwoZU2F4c3CPpYKrMG1k9pc++8RtPo", Salt = "MDEyMzQ1Njc4OWFiY2RlZg";

    /// <summary>As Firebase's console shows them.</summary>
    public const string FirebaseConsole = $$"""
        hash_config {
          algorithm: SCRYPT,
          base64_signer_key: {{SignerKey}},
          base64_salt_separator: Bw==,
          rounds: 8,
          mem_cost: 14,
        }
        """;

    [Theory]
    // The tests of the reference implementation of argon2.
    [InlineData("argon2id", "password", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")]
    [InlineData("argon2id", "password", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4")]
    [InlineData("argon2id", "password", "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc")]
    // The tests of Django and the documentation of passlib.
    [InlineData("pbkdf2", "lètmein", "pbkdf2_sha256$260000$seasalt$YlZ2Vggtqdc61YjArZuoApoBh9JNGYoDRBUGu6tcJQo=")]
    [InlineData("pbkdf2", "toomanysecrets", "$pbkdf2-sha256$29000$N2YMIWQsBWBMae09x1jrPQ$1t8iyB2A.WF/Z5JZv.lfCIhXXN33N23OSgQYThBYRfk")]
    // By OpenSSL, through Python's hashlib. Keycloak's SHA-256 gives 64 bytes.
    [InlineData("pbkdf2", "naïve café ☕", $"$pbkdf2$1000${Salt}$fbYJDmQ95Fi3FrfW9JgECdzrY9s")]
    [InlineData("pbkdf2", "naïve café ☕", $"$pbkdf2-sha1$i=1000,l=20${Salt}==$fbYJDmQ95Fi3FrfW9JgECdzrY9s=")]
    [InlineData("pbkdf2", "naïve café ☕", $"$pbkdf2-sha256$i=1000${Salt}${Key}")]
    [InlineData("pbkdf2", "naïve café ☕",
        $"$pbkdf2-sha256$i=1000${Salt}$oFKYuX5T2NaA8ZwoZU2F4c3CPpYKrMG1k9pc++8RtPri5XX32edSvYaax/uUk/wjB5A0BE/xZDzqCTs/W8lFkQ==")]
    [InlineData("pbkdf2", "naïve café ☕",
        $"$pbkdf2-sha512$i=1000,l=64${Salt}$/OVF7EAgojISK/MMF/RxBggtdobQS/E/MZB5aAoo1sW3hWM8NwMcJFE3WbOklM4q6By4OscfY6h1Fr7tbh+C2g")]
    // Published with github.com/firebase/scrypt.
    [InlineData("scrypt", "user1password", $"$firebase-scrypt$m=14,r=8${SignerKey}$Bw==$42xEC+ixf3L2lw==${FirebaseVector}")]
    public void A_known_hash_is_that_of_its_password_alone(string algorithm, string password, string hash)
    {
        var imported = ImportedHash.Read(hash).ShouldNotBeNull();

        (imported.Algorithm, imported.IsTooCostly).ShouldBe((algorithm, false));
        imported.Verify(password).ShouldBeTrue();
        imported.Verify(password + "x").ShouldBeFalse();
        imported.Verify("").ShouldBeFalse();
        hash.Length.ShouldBeLessThanOrEqualTo(User.ImportedHashMaxLength);
    }

    [Fact]
    public void The_hashes_of_ASP_NET_Core_Identity_are_verified()
    {
        foreach (var iterations in new[] { 1, 100_000 })
        {
            var options = Options.Create(new PasswordHasherOptions { IterationCount = iterations });
            var imported = ImportedHash.Read(new IdentityHasher(options).HashPassword("", "naïve café ☕")).ShouldNotBeNull();

            (imported.Algorithm, imported.IsTooCostly).ShouldBe(("pbkdf2", false));
            imported.Verify("naïve café ☕").ShouldBeTrue();
            imported.Verify("naive cafe").ShouldBeFalse();
        }
    }

    [Theory]
    [InlineData(FirebaseConsole)]
    [InlineData($$"""{"base64_signer_key":"{{SignerKey}}","base64_salt_separator":"Bw==","rounds":8,"mem_cost":14}""")]
    public void The_parameters_of_Firebase_are_read_as_the_console_shows_them(string text)
    {
        var hash = FirebaseParameters.Read(text).ShouldNotBeNull().Describe(FirebaseVector, "42xEC+ixf3L2lw==");

        ImportedHash.Read(hash).ShouldNotBeNull().Verify("user1password").ShouldBeTrue();
        FirebaseParameters.Read(text.Replace("rounds", "round")).ShouldBeNull();
    }

    [Theory]
    [InlineData($"$argon2id$v=19$m=131073,t=1,p=1${Salt}${Key}")]
    [InlineData($"$argon2id$v=19$m=999999999,t=1,p=1${Salt}${Key}")]
    [InlineData($"$argon2id$v=19$m=65536,t=17,p=1${Salt}${Key}")]
    [InlineData($"$argon2id$v=19$m=8,t=999999999,p=1${Salt}${Key}")]
    [InlineData($"$pbkdf2-sha256$i=2000001${Salt}${Key}")]
    [InlineData($"$pbkdf2-sha256$i=9999999999${Salt}${Key}")]
    [InlineData($"$pbkdf2-sha1$i=1000001${Salt}${Key}")]
    [InlineData($"pbkdf2_sha256$2000001$seasalt${Key}")]
    [InlineData("AQAAAAH/////AAAAEDAxMjM0NTY3ODlhYmNkZWagUpi5flPY1oDxnChlTYXhzcI+lgqswbWT2lz77xG0+g==")]
    [InlineData($"$firebase-scrypt$m=17,r=8${SignerKey}$Bw==$42xEC+ixf3L2lw==${FirebaseVector}")]
    [InlineData($"$firebase-scrypt$m=31,r=99${SignerKey}$Bw==$42xEC+ixf3L2lw==${FirebaseVector}")]
    public void A_hash_that_costs_gigabytes_or_minutes_is_found_too_costly(string hash) =>
        ImportedHash.Read(hash).ShouldNotBeNull().IsTooCostly.ShouldBeTrue();

    [Theory]
    [InlineData("")]
    [InlineData("garbage")]
    [InlineData("5f4dcc3b5aa765d61d8327deb882cf99")]
    [InlineData("$1$salt$qJH7.N4xYta3aEG/dfqo/0")]
    [InlineData("$2b$05$iozof9UnCC2nInWBWmpAaucSPP.jCr4BgomXsicbh6lHbdITcGf6S")]
    [InlineData($"$argon2i$v=19$m=65536,t=2,p=1${Salt}${Key}")]
    [InlineData($"$argon2id$m=65536,t=2,p=1${Salt}${Key}")]
    [InlineData($"$argon2id$v=19$m=0,t=0,p=0${Salt}${Key}")]
    [InlineData($"$argon2id$v=19$m=15,t=1,p=2${Salt}${Key}")]
    [InlineData($"$argon2id$v=19$m=256,t=1,p=1${Salt}$AAAA")]
    [InlineData($"$argon2id$v=19$m=256,t=1,p=1$$")]
    [InlineData($"$argon2id$v=19$m=256,t=1,p=1${Salt}${Key}\n")]
    [InlineData($"$pbkdf2-md5$i=1000${Salt}${Key}")]
    [InlineData($"$pbkdf2-sha256$i=0${Salt}${Key}")]
    [InlineData($"$pbkdf2-sha256$i=1000${Salt}$oFKYuX5T2NaA8Zwo")]
    [InlineData($"$pbkdf2-sha256$i=1000${Salt}${Key}=A")]
    [InlineData($"pbkdf2_sha256$1000$${Key}")]
    [InlineData("AQAAAAEAACcQAAAAEA==")]
    [InlineData("AQAAAAEAACcQ/////zAxMjM0NTY3ODlhYmNkZWagUpi5flPY1oDxnChlTYXhzcI+lgqswbWT2lz77xG0+g==")]
    [InlineData($"$firebase-scrypt$m=14,r=8${SignerKey}$Bw==$42xEC+ixf3L2lw==$oFKYuX5T2NaA8ZwoZU2F4Q==")]
    [InlineData($"$firebase-scrypt$m=14,r=0${SignerKey}$Bw==$42xEC+ixf3L2lw==${FirebaseVector}")]
    [InlineData($"$firebase-scrypt$m=99,r=8${SignerKey}$Bw==$42xEC+ixf3L2lw==${FirebaseVector}")]
    public void What_is_no_hash_in_a_known_format_is_none(string text) => ImportedHash.Read(text).ShouldBeNull();
}
