using System.Net;
using System.Net.Http.Json;
using System.Numerics;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.IdentityModel.Tokens;
using Profiles.Data;
using Profiles.Tests.Infrastructure.Identities;

namespace Profiles.Tests.Features.LoginWithIdToken;

/// <summary>Logging in with identity tokens, and whose account that is.</summary>
public sealed class LoginWithIdTokenTests(IdentitiesFixture app) : TestBase<IdentitiesFixture>
{
    static readonly string[] Others = [SecurityAlgorithms.EcdsaSha256, SecurityAlgorithms.RsaSsaPssSha256];

    readonly string mark = $"{Guid.NewGuid():N}";

    [Fact]
    public async Task The_first_login_makes_an_account_and_the_next_ones_find_it()
    {
        var token = app.TokenOf("google", null, ("email", $"Jane.{mark}@gmail.com"), ("email_verified", true), ("name", " Jane Roe "));
        var user = await app.UserOfAsync(await app.LogInAsync(token, device: " Jane's phone "));
        (user.Name, user.Email).ShouldBe(("Jane Roe", $"Jane.{mark}@gmail.com"));
        var stored = await app.QueryAsync(db => db.Users.SingleAsync(u => u.Id == user.Id));
        (stored.PasswordHash, stored.NormalizedEmail).ShouldBe(("", $"jane.{mark}@gmail.com"));
        stored.EmailVerifiedAt.ShouldNotBeNull();

        // Another address since, and another name: the provider's subject decides.
        var again = await app.UserOfAsync(await app.LogInAsync(app.TokenOf("google", token.Subject, ("email", $"new.{mark}@gmail.com"))));
        (again.Id, again.Name, again.Email).ShouldBe((user.Id, user.Name, user.Email));
        var identity = await app.QueryAsync(db => db.Identities.SingleAsync(i => i.UserId == user.Id));
        (identity.Provider, identity.Subject, identity.Email).ShouldBe(("google", token.Subject, $"new.{mark}@gmail.com"));
        identity.LastUsedAt.ShouldNotBeNull();
        (await app.QueryAsync(db => db.SecurityEvents.Where(e => e.UserId == user.Id).OrderBy(e => e.Id)
            .Select(e => new { e.Kind, e.Device }).ToListAsync())).Select(e => (e.Kind, e.Device)).ShouldBe(
        [
            (SecurityEventKind.Registered, null), (SecurityEventKind.EmailVerified, null),
            (SecurityEventKind.IdentityAdded, "Jane's phone"), (SecurityEventKind.LoggedIn, "Jane's phone"),
            (SecurityEventKind.LoggedIn, null),
        ]);
        // There is no password that logs in.
        await (await app.Client.PostAsJsonAsync("/login", new { email = user.Email, password = "x" }, Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
    }

    public static TheoryData<string, object?, string?, bool> Addresses => new()
    {
        { "google", true, "gmail.com", true }, { "google", "true", "gmail.com", true }, { "google", true, "example.com", true },
        { "google", false, "gmail.com", false }, { "google", null, "gmail.com", false }, { "google", "yes", "gmail.com", false },
        { "google", 1, "gmail.com", false },
        { "apple", "true", "privaterelay.appleid.com", true }, { "apple", "false", "example.com", false },
        { "company", true, "example.com", true }, { "company", false, "example.com", false },
        { "elsewhere", true, "example.com", false }, { "google", true, "b\u00FCcher.example", false }, { "google", true, null, false },
    };

    [Theory]
    [MemberData(nameof(Addresses))]
    public async Task A_new_account_takes_an_address_that_a_trusted_provider_has_verified(
        string provider, object? verified, string? domain, bool isTaken)
    {
        var email = domain is null ? null : $"{mark}@{domain}";
        var user = await app.UserOfAsync(await app.LogInAsync(
            app.TokenOf(provider, null, ("email", email), ("email_verified", verified))));
        user.Email.ShouldBe(isTaken ? email : null);
        (await app.QueryAsync(db => db.Users.SingleAsync(u => u.Id == user.Id))).EmailVerifiedAt.HasValue.ShouldBe(isTaken);
    }

    [Theory]
    [InlineData("Ann", "Bob", "Ann")]
    [InlineData(null, "Bob", "Bob")]
    [InlineData(null, "a\u202Eb", "")]
    [InlineData(null, " ", "")]
    [InlineData(null, null, "")]
    public async Task The_name_is_what_the_app_sends_or_the_token_has(string? sent, string? claim, string name) =>
        (await app.UserOfAsync(await app.LogInAsync(app.TokenOf("apple", null, ("name", claim)), sent))).Name.ShouldBe(name);

    [Theory]
    [InlineData("google", "gmail.com", null)]
    [InlineData("google", "example.com", "example.com")]
    [InlineData("apple", "example.com", null)]
    [InlineData("company", "example.com", null)]
    public async Task An_address_that_both_sides_have_verified_logs_in_to_its_account(string provider, string domain, string? hd)
    {
        var owner = await app.CreateVerifiedUserAsync(domain);
        var token = app.TokenOf(provider, null, ("email", owner.Email.ToUpperInvariant()), ("email_verified", true), ("hd", hd));
        (await app.UserOfAsync(await app.LogInAsync(token))).Id.ShouldBe(owner.Id);
        await app.SentAsync(owner.Email);
        app.MailsTo(owner.Email).ShouldContain(m => m.Subject.StartsWith("Logging in with ", StringComparison.Ordinal));
        // The password stays.
        await (await app.Client.PostAsJsonAsync("/login", new { email = owner.Email, password = owner.Password }, Cancellation))
            .ShouldBeAsync(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("google", "example.com", true)]
    [InlineData("elsewhere", "example.com", true)]
    [InlineData("google", "gmail.com", false)]
    [InlineData("apple", "example.com", false)]
    [InlineData("company", "example.com", false)]
    public async Task Any_other_address_with_an_account_is_linked_by_its_owner(string provider, string domain, bool isVerified)
    {
        var owner = await app.CreateVerifiedUserAsync(domain);
        if (!isVerified)
            await app.QueryAsync(db => db.Users.Where(u => u.Id == owner.Id)
                .ExecuteUpdateAsync(u => u.SetProperty(x => x.EmailVerifiedAt, (DateTime?)null)));
        var token = app.TokenOf(provider, null, ("email", owner.Email), ("email_verified", true));
        await ShouldBeProblemAsync(await app.LogInAsync(token), HttpStatusCode.Conflict, "account_exists");
        (await app.QueryAsync(db => db.Identities.CountAsync(i => i.UserId == owner.Id))).ShouldBe(0);
        // The same token, now of somebody who is logged in.
        await (await app.LinkAsync(owner, token)).ShouldBeAsync(HttpStatusCode.Created);
        (await app.UserOfAsync(await app.LogInAsync(app.TokenOf(provider, token.Subject)))).Id.ShouldBe(owner.Id);
    }

    [Fact]
    public async Task An_address_that_the_provider_has_not_verified_tells_nothing()
    {
        var owner = await app.CreateVerifiedUserAsync("gmail.com");
        string[] addresses = [owner.Email, $"nobody-{mark}@gmail.com"];
        foreach (var email in addresses)
        {
            var stranger = await app.UserOfAsync(await app.LogInAsync(
                app.TokenOf("google", null, ("email", email), ("email_verified", false))));
            (stranger.Id == owner.Id, stranger.Email).ShouldBe((false, null));
        }
    }

    public static TheoryData<string, object?> WrongClaims => new()
    {
        { "iss", "https://accounts.google.com" }, { "iss", null }, { "aud", "another-app" }, { "aud", null },
        { "aud", new[] { IssuerServer.Audience, "another-app" } }, { "sub", null }, { "sub", "" }, { "sub", new string('s', 256) },
        { "sub", "a\0b" }, { "nonce", null }, { "nonce", "another" }, { "nonce", 1 }, { "exp", null }, { "exp", -61 }, { "exp", 86_520 },
        { "exp", "soon" }, { "iat", null }, { "iat", 120 }, { "nbf", 120 }, { "typ", "Bearer" },
    };

    [Theory]
    [MemberData(nameof(WrongClaims))]
    public async Task A_token_with_a_wrong_claim_is_refused(string name, object? value)
    {
        var isTime = name is "exp" or "iat" or "nbf" && value is int;
        await ShouldRefuseAsync(app.TokenOf("google", null, (name, isTime ? FromNow((int)value!) : value)));
    }

    [Fact]
    public async Task Forged_tokens_are_refused()
    {
        var issuer = app.Issuer;
        var (google, mine) = ((RsaSecurityKey)issuer.KeyOf("google"), IssuerServer.NewRsa());
        await app.UserOfAsync(await app.LogInAsync(app.TokenOf("google")));
        var asTheirs = new RsaSecurityKey(mine.Rsa) { KeyId = google.KeyId };
        var shared = new SymmetricSecurityKey(System.Text.Encoding.ASCII.GetBytes(google.Rsa.ExportSubjectPublicKeyInfoPem()));
        Func<Dictionary<string, object>, string>[] forgeries =
        [
            c => IssuerServer.Sign(c, mine, SecurityAlgorithms.RsaSha256),
            c => IssuerServer.Sign(c, asTheirs, SecurityAlgorithms.RsaSha256),
            c => IssuerServer.Sign(c, issuer.KeyOf("company"), SecurityAlgorithms.RsaSha256),
            c => IssuerServer.Sign(c, google, SecurityAlgorithms.RsaSha512),
            c => IssuerServer.Sign(c, google, SecurityAlgorithms.RsaSha256, "at+jwt"),
            c => IssuerServer.Sign(c, shared, SecurityAlgorithms.HmacSha256),
            c => IssuerServer.Forge(new { alg = "HS256", kid = google.KeyId }, c,
                s => System.Security.Cryptography.HMACSHA256.HashData(shared.Key, s)),
            c => IssuerServer.Forge(new { alg = "none" }, c, _ => [1]),
            c => IssuerServer.Forge(new { alg = "none", kid = google.KeyId }, c, _ => [1]),
            c => IssuerServer.Forge(new { alg = "RS256" }, c, s => google.Rsa.SignData(
                s, System.Security.Cryptography.HashAlgorithmName.SHA256, System.Security.Cryptography.RSASignaturePadding.Pkcs1)),
            c => IssuerServer.Forge(new { alg = "RS256", kid = google.KeyId }, c, _ => new byte[256]),
            c => IssuerServer.Forge(new { alg = 5, kid = new { } }, c, _ => [1]),
            c => issuer.Sign("google", c) is var token ? token.Replace(".", ".e", StringComparison.Ordinal) : token,
        ];
        foreach (var forge in forgeries)
        {
            var nonce = $"{Guid.NewGuid():N}";
            var claims = issuer.Claims("google", mark, nonce, app.Clock.GetUtcNow());
            await ShouldRefuseAsync(new("google", mark, forge(claims), nonce));
        }
        // Of another provider, whole and valid.
        await ShouldRefuseAsync(app.TokenOf("elsewhere") with { Provider = "google" });
        await ShouldRefuseAsync(app.TokenOf("elsewhere") with { Provider = "company" });
    }

    [Fact]
    public async Task The_nonce_is_compared_as_the_provider_makes_it()
    {
        var apple = app.TokenOf("apple");
        await ShouldRefuseAsync(apple with { Nonce = IdentitiesFixture.NonceFor("apple", apple.Nonce) });
        await ShouldRefuseAsync(app.TokenOf("apple", null, ("nonce", "plain")) with { Nonce = "plain" });
        var google = app.TokenOf("google");
        await ShouldRefuseAsync(google with { Nonce = google.Nonce.ToUpperInvariant() });
        await (await app.LogInAsync(google)).ShouldBeAsync(HttpStatusCode.OK);
        await (await app.LogInAsync(apple)).ShouldBeAsync(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Tokens_of_all_forms_that_providers_issue_log_in()
    {
        var issuer = app.Issuer;
        (string Name, object? Value)[][] forms =
        [
            [("aud", IssuerServer.SecondAudience)],
            [("aud", new[] { IssuerServer.Audience })],
            [("aud", new[] { IssuerServer.Audience, "another-app" }), ("azp", IssuerServer.Audience)],
            [("azp", "the-android-app")],
            [("iss", issuer.AddressOf("google").Split("://")[1])],
            [("exp", FromNow(-30))],
            [("iat", FromNow(30))],
        ];
        foreach (var form in forms)
            await (await app.LogInAsync(app.TokenOf("google", null, form))).ShouldBeAsync(HttpStatusCode.OK);
        foreach (var algorithm in Others)
        {
            var key = algorithm == SecurityAlgorithms.EcdsaSha256 ? issuer.SecondKeyOf("google") : issuer.KeyOf("google");
            var claims = issuer.Claims("google", mark, "n", app.Clock.GetUtcNow());
            await (await app.LogInAsync(new("google", mark, IssuerServer.Sign(claims, key, algorithm), "n")))
                .ShouldBeAsync(HttpStatusCode.OK);
        }
    }

    [Fact]
    public async Task A_token_is_good_once()
    {
        var claims = app.Issuer.Claims("google", mark, "n", app.Clock.GetUtcNow());
        var signed = IssuerServer.Sign(claims, app.Issuer.SecondKeyOf("google"), SecurityAlgorithms.EcdsaSha256);
        var token = new IdToken("google", mark, signed, "n");
        await (await app.LogInAsync(token)).ShouldBeAsync(HttpStatusCode.OK);
        await ShouldRefuseAsync(token);
        // A second valid signature, which anybody can make of the first.
        var other = token with { Token = WithOtherSignature(signed) };
        await ShouldRefuseAsync(other);
        await ShouldBeProblemAsync(await app.LinkAsync(await app.CreateUserAsync(), other), HttpStatusCode.BadRequest, "id_token_refused");

        var stolen = app.TokenOf("google");
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => app.LogInAsync(stolen)));
        answers.Count(a => a.StatusCode == HttpStatusCode.OK).ShouldBe(1);
        answers.Count(a => a.StatusCode == HttpStatusCode.Unauthorized).ShouldBe(7);
    }

    // SQLite has one writer, for whose end the login waits before it looks for the identity.
    [Fact, Trait("Database", "PostgreSql")]
    public async Task An_identity_whose_removal_the_login_waits_for_is_refused()
    {
        var token = app.TokenOf("google");
        var user = await app.UserOfAsync(await app.LogInAsync(token));
        Task<HttpResponseMessage> login;
        using (var scope = app.Services.CreateScope())
        {
            var db = scope.ServiceProvider.GetRequiredService<ProfilesDbContext>();
            await using var removal = await db.LockUserAsync(user.Id, Cancellation);
            await db.Users.Where(u => u.Id == user.Id)
                .ExecuteUpdateAsync(u => u.SetProperty(x => x.PasswordHash, ""), Cancellation);
            await db.Identities.Where(i => i.UserId == user.Id).ExecuteDeleteAsync(Cancellation);
            var own = await db.Database.SqlQuery<int>($"""SELECT pg_backend_pid() AS "Value" """).SingleAsync(Cancellation);
            login = app.LogInAsync(app.TokenOf("google", token.Subject));
            while (!login.IsCompleted && await app.QueryAsync(other => other.Database.SqlQuery<int>($"""
                SELECT count(*)::int AS "Value" FROM pg_stat_activity WHERE {own} = ANY(pg_blocking_pids(pid))
                """).SingleAsync(Cancellation)) == 0)
                await Task.Delay(10, Cancellation);
            login.IsCompleted.ShouldBeFalse();
            await removal.CommitAsync(Cancellation);
        }
        (await (await login).ShouldBeProblemAsync(HttpStatusCode.Unauthorized)).GetProperty("code").GetString()
            .ShouldBe("invalid_id_token");
        (await app.QueryAsync(db => db.Sessions.CountAsync(s => s.UserId == user.Id))).ShouldBe(1);
    }

    [Fact]
    public async Task Simultaneous_first_logins_make_one_account()
    {
        var tokens = Enumerable.Range(0, 6)
            .Select(_ => app.TokenOf("google", mark, ("email", $"{mark}@gmail.com"), ("email_verified", true))).ToArray();
        var answers = await Task.WhenAll(tokens.Select(t => app.LogInAsync(t)));
        var users = new List<long>();
        foreach (var answer in answers)
            users.Add((await app.UserOfAsync(answer)).Id);
        users.Distinct().ShouldHaveSingleItem();
        (await app.QueryAsync(db => db.Users.CountAsync(u => u.NormalizedEmail == $"{mark}@gmail.com"))).ShouldBe(1);
    }

    [Fact]
    public async Task A_disabled_account_is_told_so_and_a_second_factor_is_asked_for()
    {
        var user = await app.UserOfAsync(await app.LogInAsync(app.TokenOf("apple", mark)));
        (await app.RunAsync("users", "disable", $"{user.Id}")).ExitCode.ShouldBe(0);
        var token = app.TokenOf("apple", mark);
        await ShouldBeProblemAsync(await app.LogInAsync(token), HttpStatusCode.Unauthorized, "account_disabled");
        (await app.RunAsync("users", "enable", $"{user.Id}")).ExitCode.ShouldBe(0);
        // What was refused is not spent.
        await (await app.LogInAsync(token)).ShouldBeAsync(HttpStatusCode.OK);

        await app.QueryAsync(db =>
        {
            db.SecondFactors.Add(new() { UserId = user.Id, Secret = "s", ConfirmedAt = app.Clock.GetUtcNow().UtcDateTime });
            return db.SaveChangesAsync();
        });
        var asked = await ShouldBeProblemAsync(await app.LogInAsync(app.TokenOf("apple", mark)), HttpStatusCode.Forbidden, "mfa_required");
        asked.GetProperty("mfa_token").GetString().ShouldNotBeNullOrEmpty();
    }

    [Theory]
    [InlineData("provider", "facebook")]
    [InlineData("provider", "off")]
    [InlineData("provider", "")]
    [InlineData("provider", null)]
    [InlineData("id_token", "")]
    [InlineData("id_token", "a.b")]
    [InlineData("id_token", "a.b.c.d.e")]
    [InlineData("id_token", "a.b.c=")]
    [InlineData("id_token", null)]
    [InlineData("nonce", "")]
    [InlineData("nonce", "ä")]
    [InlineData("nonce", null)]
    [InlineData("name", "a\u202Eb")]
    [InlineData("device", "a\nb")]
    [InlineData("authorization_code", "a b")]
    public async Task A_field_of_the_wrong_form_is_refused_by_name(string field, string? value)
    {
        var token = app.TokenOf("google");
        var body = new Dictionary<string, string?> { ["provider"] = "google", ["id_token"] = token.Token, ["nonce"] = token.Nonce };
        body[field] = value;
        await (await app.Client.PostAsJsonAsync("/login/id-token", body, Cancellation)).ShouldRefuseFieldsAsync(field);
    }

    long FromNow(int seconds) => app.Clock.GetUtcNow().ToUnixTimeSeconds() + seconds;

    async Task ShouldRefuseAsync(IdToken token) =>
        await ShouldBeProblemAsync(await app.LogInAsync(token), HttpStatusCode.Unauthorized, "invalid_id_token");

    static async Task<System.Text.Json.JsonElement> ShouldBeProblemAsync(HttpResponseMessage answer, HttpStatusCode status, string code)
    {
        var problem = await answer.ShouldBeProblemAsync(status);
        problem.GetProperty("code").GetString().ShouldBe(code);
        return problem;
    }

    // ECDSA: (r, n - s) signs what (r, s) signs.
    static string WithOtherSignature(string token)
    {
        var (order, end) = (BigInteger.Parse("0FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551",
            System.Globalization.NumberStyles.HexNumber, null), token.LastIndexOf('.') + 1);
        var signature = Base64UrlEncoder.DecodeBytes(token[end..]);
        var s = order - new BigInteger(signature.AsSpan(32), isUnsigned: true, isBigEndian: true);
        var bytes = s.ToByteArray(isUnsigned: true, isBigEndian: true);
        return token[..end] + Base64UrlEncoder.Encode([.. signature[..32], .. new byte[32 - bytes.Length], .. bytes]);
    }
}
