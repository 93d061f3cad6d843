using System.Buffers.Text;
using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Profiles.Data;
using BC = BCrypt.Net.BCrypt;

namespace Profiles.Tests.Features.Login;

public sealed class LoginTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    const string Refusal = "Invalid email or password";
    const string Umlauts = "naïve café ☕";

    // Other programs made these from the password above.
    const string ByHtpasswd = "$2y$05$X45TsThNo03IvWKNPCk//O6x7mKn5g3wzLSBW5yy.pzqNRyQLc2SK";
    const string ByBcryptJs = "$2b$05$iozof9UnCC2nInWBWmpAaucSPP.jCr4BgomXsicbh6lHbdITcGf6S";

    [Fact]
    public async Task The_right_password_gets_a_token_and_its_lifetime()
    {
        var user = await app.CreateUserAsync();
        var response = await PostAsync(user.Email, user.Password);

        var body = await response.ShouldBeAsync(HttpStatusCode.OK);
        body.Names().ShouldBe(["access_token", "token_type", "expires_in", "refresh_token", "refresh_expires_in"]);
        body.GetProperty("token_type").GetString().ShouldBe("Bearer");
        body.GetProperty("expires_in").GetInt32().ShouldBe(3600);
        body.GetProperty("refresh_token").GetString()!.ShouldMatch("^[A-Za-z0-9_-]{64}$");
        body.GetProperty("refresh_expires_in").GetInt32().ShouldBe(60 * 24 * 3600);
        response.Headers.CacheControl!.NoStore.ShouldBeTrue();
        var me = await (await app.ClientFor(user with { Token = Token(body) }).GetAsync("/me", Cancellation))
            .ShouldBeAsync(HttpStatusCode.OK);
        me.GetProperty("id").GetInt64().ShouldBe(user.Id);
    }

    [Fact]
    public async Task The_token_names_its_user_issuer_audience_and_expiry()
    {
        var user = await app.CreateUserAsync();
        var body = await (await PostAsync(user.Email, user.Password)).ShouldBeAsync(HttpStatusCode.OK);
        using var header = JsonDocument.Parse(Base64Url.DecodeFromChars(Token(body).Split('.')[0]));
        using var claims = JsonDocument.Parse(Base64Url.DecodeFromChars(Token(body).Split('.')[1]));

        header.RootElement.Names().ShouldBe(["alg", "kid", "typ"]);
        header.RootElement.GetProperty("alg").GetString().ShouldBe("ES256");
        header.RootElement.GetProperty("typ").GetString().ShouldBe("at+jwt");
        var payload = claims.RootElement;
        payload.Names().Except(["nbf"]).Order()
            .ShouldBe(["amr", "aud", "auth_time", "client_id", "exp", "iat", "iss", "jti", "session_id", "sub", "user_id"]);
        payload.GetProperty("amr").EnumerateArray().Select(m => m.GetString()).ShouldBe(["pwd"]);
        (payload.GetProperty("iat").GetInt64() - payload.GetProperty("auth_time").GetInt64()).ShouldBeInRange(0, 1);
        payload.GetProperty("user_id").ValueKind.ShouldBe(JsonValueKind.Number);
        payload.GetProperty("user_id").GetInt64().ShouldBe(user.Id);
        payload.GetProperty("sub").GetString().ShouldBe($"{user.Id}");
        payload.GetProperty("iss").GetString().ShouldBe("profiles");
        payload.GetProperty("aud").GetString().ShouldBe("profiles");
        payload.GetProperty("jti").GetString().ShouldNotBeNullOrEmpty();
        var issued = DateTimeOffset.FromUnixTimeSeconds(payload.GetProperty("iat").GetInt64());
        issued.ShouldBe(app.Clock.GetUtcNow(), TimeSpan.FromMinutes(1));
        // Each is rounded to a second on its own.
        (DateTimeOffset.FromUnixTimeSeconds(payload.GetProperty("exp").GetInt64()) - issued)
            .ShouldBe(TimeSpan.FromHours(1), TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task A_user_with_a_second_factor_gets_no_session_but_a_token_for_it()
    {
        var user = await app.CreateUserAsync();
        await app.QueryAsync(async db =>
        {
            db.SecondFactors.Add(new() { UserId = user.Id, Secret = "secret", ConfirmedAt = DateTime.UnixEpoch });
            return await db.SaveChangesAsync(Cancellation);
        });
        var sessions = await app.QueryAsync(db => db.Sessions.CountAsync(s => s.UserId == user.Id, Cancellation));
        var refusal = await (await PostAsync(user.Email, user.Password)).ShouldBeProblemAsync(HttpStatusCode.Forbidden);
        refusal.GetProperty("code").GetString().ShouldBe("mfa_required");
        refusal.GetProperty("expires_in").GetInt32().ShouldBe(300);
        Base64Url.DecodeFromChars(refusal.GetProperty("mfa_token").GetString()).Length.ShouldBe(32);
        (await app.QueryAsync(db => db.Sessions.CountAsync(s => s.UserId == user.Id, Cancellation))).ShouldBe(sessions);
        (await app.QueryAsync(db => db.Challenges.SingleAsync(c => c.UserId == user.Id, Cancellation))).Kind
            .ShouldBe(ChallengeKind.SecondFactor);
    }

    [Fact]
    public async Task No_two_tokens_are_equal()
    {
        var user = await app.CreateUserAsync();
        var tokens = new[] { user.Token, Token(await (await PostAsync(user.Email, user.Password)).ShouldBeAsync(HttpStatusCode.OK)) };
        tokens.Select(t => JsonDocument.Parse(Base64Url.DecodeFromChars(t.Split('.')[1])).RootElement.GetProperty("jti").GetString())
            .Distinct().Count().ShouldBe(2);
    }

    [Theory]
    [InlineData("{0}")]
    [InlineData("  {0}")]
    [InlineData("{0}\t ")]
    [InlineData("UPPER")]
    public async Task The_address_is_compared_ignoring_case_and_surrounding_spaces(string spelling)
    {
        var user = await app.CreateUserAsync();
        var email = spelling == "UPPER" ? user.Email.ToUpperInvariant() : spelling.Replace("{0}", user.Email);
        await (await PostAsync(email, user.Password)).ShouldBeAsync(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData(" Pass phrase 1 ", "Pass phrase 1")]
    [InlineData(" Pass phrase 1 ", " pass phrase 1 ")]
    [InlineData("caf\u00E9-caf\u00E9", "cafe\u0301-cafe\u0301")]
    [InlineData("correct horse battery staple", "correct horse battery stapl")]
    public async Task The_password_is_compared_exactly(string registered, string tried)
    {
        var user = await app.CreateUserAsync(password: registered);
        await (await PostAsync(user.Email, registered)).ShouldBeAsync(HttpStatusCode.OK);
        await (await PostAsync(user.Email, tried)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized, Refusal);
    }

    [Fact]
    public async Task Bytes_that_bcrypt_would_truncate_are_not_ignored()
    {
        var longest = new string('a', User.PasswordMaxBytes);
        var user = await app.CreateUserAsync(password: longest);
        await (await PostAsync(user.Email, longest)).ShouldBeAsync(HttpStatusCode.OK);
        await (await PostAsync(user.Email, longest + "X")).ShouldBeProblemAsync(HttpStatusCode.Unauthorized, Refusal);
        await (await PostAsync(user.Email, longest[1..])).ShouldBeProblemAsync(HttpStatusCode.Unauthorized, Refusal);
    }

    [Fact]
    public async Task Characters_after_a_NUL_are_not_ignored()
    {
        var user = await app.CreateUserAsync(password: "abcdefgh");
        await (await PostAsync(user.Email, "abcdefgh\0tail")).ShouldRefuseFieldsAsync("password");
        await (await PostAsync(user.Email + "\0tail", "abcdefgh")).ShouldRefuseFieldsAsync("email");
    }

    [Theory]
    [InlineData("wrong")]
    [InlineData("x")]
    [InlineData("73 bytes")]
    [InlineData("ten thousand characters")]
    public async Task An_unknown_address_and_a_wrong_password_get_the_same_answer(string password)
    {
        var user = await app.CreateUserAsync();
        if (password == "73 bytes")
            password = new string('a', User.PasswordMaxBytes + 1);
        else if (password == "ten thousand characters")
            password = new string('ß', 10_000);
        var known = await PostAsync(user.Email, password);
        var unknown = await PostAsync($"nobody-{Guid.NewGuid():N}@example.com", password);

        await known.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, Refusal);
        (await ShownAsync(unknown)).ShouldBe(await ShownAsync(known));
    }

    public static TheoryData<string> UnusableHashes => new(
        "", "garbage", "*", "$2a$", "$2a$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2a$99$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2a$17$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "$2a$xx$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe", "$1$abcdefgh$Uuk1aRZc8TxgIgQ2bCyba/",
        new string('$', User.PasswordHashLength), "\u0001");

    [Theory]
    [MemberData(nameof(UnusableHashes))]
    public async Task A_damaged_hash_is_answered_like_a_wrong_password_and_at_once(string hash)
    {
        var user = await app.CreateUserAsync();
        await StoreHashAsync(user, hash);
        // Cost 31 would take days.
        var damaged = await PostAsync(user.Email, user.Password).WaitAsync(TimeSpan.FromSeconds(20), Cancellation);

        await damaged.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, Refusal);
        (await ShownAsync(damaged)).ShouldBe(await ShownAsync(await PostAsync($"nobody-{Guid.NewGuid():N}@example.com", user.Password)));
        (await HashOfAsync(user)).ShouldBe(hash);
    }

    [Theory]
    [InlineData(ByHtpasswd)]
    [InlineData(ByBcryptJs)]
    public async Task A_hash_made_by_another_program_logs_in(string hash)
    {
        var user = await app.CreateUserAsync();
        await StoreHashAsync(user, hash);
        await (await PostAsync(user.Email, Umlauts)).ShouldBeAsync(HttpStatusCode.OK);
        await (await PostAsync(user.Email, user.Password)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized, Refusal);
    }

    [Fact]
    public async Task Other_programs_can_read_the_stored_hash()
    {
        var user = await app.CreateUserAsync(password: Umlauts);
        var hash = await HashOfAsync(user);
        hash.ShouldMatch(@"^\$2[aby]\$04\$[./A-Za-z0-9]{53}$");
        BC.Verify(Umlauts, hash).ShouldBeTrue();
        BC.Verify(Umlauts + " ", hash).ShouldBeFalse();
    }

    [Fact]
    public async Task A_hash_with_a_higher_work_factor_than_configured_stays()
    {
        var user = await app.CreateUserAsync();
        await StoreHashAsync(user, ByBcryptJs);
        await (await PostAsync(user.Email, Umlauts)).ShouldBeAsync(HttpStatusCode.OK);
        (await HashOfAsync(user)).ShouldBe(ByBcryptJs);
    }

    [Theory]
    [InlineData("", "12345678", "email")]
    [InlineData("john@example.com", "", "password")]
    public async Task An_empty_field_is_refused_and_named(string email, string password, string field) =>
        await (await PostAsync(email, password)).ShouldRefuseFieldsAsync(field);

    [Theory]
    [InlineData("{}", "email", "password")]
    [InlineData("""{"email":"john@example.com"}""", "password")]
    [InlineData("""{"email":["john@example.com"],"password":"12345678"}""", "email")]
    [InlineData("""{"email":"john@example.com","password":12345678}""", "password")]
    [InlineData("""{"email":"john@example.com","password":null}""", "password")]
    public async Task A_missing_field_or_one_of_the_wrong_type_is_named(string body, params string[] fields) =>
        await (await SendAsync(body)).ShouldRefuseFieldsAsync(fields);

    [Theory]
    [InlineData("""{"email":"john@example.com","password":"\ud800aaaaaaa"}""")]
    [InlineData("""{"email":"john@example.com","password":"12345678","password":"12345679"}""")]
    [InlineData("email=john@example.com&password=12345678")]
    public async Task JSON_that_is_not_strict_is_refused(string body) =>
        await (await SendAsync(body)).ShouldBeProblemAsync(HttpStatusCode.BadRequest);

    [Fact]
    public async Task A_login_in_progress_while_the_password_changes_starts_no_session()
    {
        var user = await app.CreateUserAsync();
        using var client = app.CreateClient();
        client.DefaultRequestHeaders.Add("X-Test-Trace", user.Email);
        using var scope = app.Services.CreateScope();
        var db = scope.ServiceProvider.GetRequiredService<ProfilesDbContext>();
        Task<HttpResponseMessage> login;
        await using (var change = await db.Database.BeginTransactionAsync(Cancellation))
        {
            await db.Users.Where(u => u.Id == user.Id).ExecuteUpdateAsync(s => s.SetProperty(u => u.PasswordHash, "another"), Cancellation);
            login = client.PostAsJsonAsync("/login", new { email = user.Email, password = user.Password }, Cancellation);
            // The limits are read before the password is verified and again after that: it is found right by then.
            var patience = Stopwatch.StartNew();
            while (app.Services.GetRequiredService<CommandLog>().Of(user.Email).Count(c => c.Text.Contains("rate_limits")) < 2)
            {
                patience.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(30));
                await Task.Delay(10, Cancellation);
            }
            await change.CommitAsync(Cancellation);
        }
        await (await login).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        (await app.QueryAsync(db => db.Sessions.Where(s => s.UserId == user.Id).Select(s => s.Id).ToListAsync()))
            .ShouldBe([user.SessionId]);
    }

    static string Token(JsonElement body) => body.GetProperty("access_token").GetString()!;

    /// <summary>All that a client can see of an answer, except what differs between any two.</summary>
    static async Task<string> ShownAsync(HttpResponseMessage response)
    {
        var problem = await response.ShouldBeAsync(response.StatusCode);
        var headers = response.Headers.Concat(response.Content.Headers).Where(h => h.Key is not "Date")
            .Select(h => $"{h.Key}: {string.Join(", ", h.Value)}");
        var members = problem.EnumerateObject().Select(m => m.Name == "trace_id" ? m.Name : $"{m.Name}={m.Value.GetRawText()}");
        return string.Join('\n', [$"{(int)response.StatusCode}", .. headers, .. members]);
    }

    Task<string> HashOfAsync(TestUser user) =>
        app.QueryAsync(db => db.Users.Where(u => u.Id == user.Id).Select(u => u.PasswordHash).SingleAsync());

    Task<int> StoreHashAsync(TestUser user, string hash) =>
        app.QueryAsync(db => db.Users.Where(u => u.Id == user.Id).ExecuteUpdateAsync(s => s.SetProperty(u => u.PasswordHash, hash)));

    Task<HttpResponseMessage> PostAsync(string email, string password) =>
        app.Client.PostAsJsonAsync("/login", new { email, password }, Cancellation);

    Task<HttpResponseMessage> SendAsync(string body) =>
        app.Client.PostAsync("/login", new StringContent(body, Encoding.UTF8, "application/json"), Cancellation);
}
