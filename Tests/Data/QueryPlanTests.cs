using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using FastEndpoints;
using Microsoft.AspNetCore.Hosting;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Profiles.Data;
using Profiles.Infrastructure.Cleanup;
using Profiles.Tests.Features.LoginWithCode;
using Profiles.Tests.Infrastructure.Admin;
using Profiles.Tests.Infrastructure.Identities;

namespace Profiles.Tests.Data;

/// <summary>A service with so many users that neither database scans the table when an index fits.</summary>
public sealed class ManyUsersFixture : AdminFixture
{
    public const int Users = 10_000;

    /// <summary>The name of an issuer whose addresses the service believes.</summary>
    internal const string Issuer = "company";

    IssuerServer issuers = null!;

    /// <summary>Sends a token of the issuer, of a person with this address or of a new one without any.</summary>
    internal Task<HttpResponseMessage> SendTokenAsync(HttpClient client, string path, string? email = null)
    {
        var nonce = Guid.NewGuid().ToString("N");
        var claims = issuers.Claims(
            Issuer, email ?? $"{Guid.NewGuid():N}", nonce, Clock.GetUtcNow(), ("email", email), ("email_verified", true));
        return client.PostAsJsonAsync(path, new { provider = Issuer, id_token = issuers.Sign(Issuer, claims), nonce });
    }

    protected override async ValueTask PreSetupAsync() => issuers = await IssuerServer.StartAsync();

    protected override void ConfigureApp(IWebHostBuilder a)
    {
        base.ConfigureApp(a);
        a.UseSetting($"Identities:Providers:{Issuer}:Issuer", issuers.AddressOf(Issuer));
        a.UseSetting($"Identities:Providers:{Issuer}:Audiences:0", IssuerServer.Audience);
        a.UseSetting($"Identities:Providers:{Issuer}:TrustsEmail", "true");
    }

    protected override async ValueTask TearDownAsync() => await issuers.DisposeAsync();

    protected override async ValueTask SetupAsync()
    {
        await QueryAsync(async db =>
        {
            db.Database.SetCommandTimeout(60);
            // Nobody logs in as these users, so they have no hash.
            var numbers = TestDatabase.IsPostgreSql
                ? $"SELECT n FROM generate_series(1, {Users}) AS s(n)"
                : $"WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {Users}) SELECT n FROM s";
            var (time, later) = TestDatabase.IsPostgreSql
                ? ("TIMESTAMPTZ '2026-01-01Z'", "TIMESTAMPTZ '2126-01-01Z'")
                : ("'2026-01-01 00:00:00'", "'2126-01-01 00:00:00'");
            var key = TestDatabase.IsPostgreSql ? "sha256(n::text::bytea)" : "randomblob(32)";
            var hash = (int part) =>
                TestDatabase.IsPostgreSql ? $"sha256(convert_to('{part}' || n, 'UTF8'))" : $"CAST(printf('%032d', n * 3 + {part}) AS BLOB)";
            string[] inserts =
            [
                $"""
                INSERT INTO users (email, normalized_email, password_hash, created_at)
                SELECT 'many' || n || '@example.com', 'many' || n || '@example.com', '', {time} FROM ({numbers}) AS numbers
                """,
                """
                INSERT INTO user_profiles (user_id, name, username, is_public, version, updated_at)
                SELECT id, 'Many', 'many' || id, TRUE, 1, created_at FROM users
                """,
                $"""
                INSERT INTO outbox (store, state, user_id, key, created_at, due_at, attempts)
                SELECT 1, 2, n, 'none', {time}, {later}, 0 FROM ({numbers}) AS numbers
                """,
                $"""
                INSERT INTO sessions (user_id, family_hash, token_hash, created_at, last_used_at)
                SELECT n, {hash(1)}, {hash(2)}, {time}, {time} FROM ({numbers}) AS numbers
                """,
                $"INSERT INTO security_events (user_id, kind, at) SELECT n, 2, {time} FROM ({numbers}) AS numbers",
                $"""
                INSERT INTO audit_log (at, actor, action, user_id)
                SELECT {time}, 'key:many', 'user.disabled', n FROM ({numbers}) AS numbers
                """,
                $"""
                INSERT INTO admin_keys (name, hash, scopes, created_at)
                SELECT 'many' || n, {key}, 'users:read', {time} FROM ({numbers}) AS numbers
                """,
                $"""
                INSERT INTO passkeys (user_id, credential_id, user_handle, public_key, sign_count, aaguid, transports, is_backup_eligible,
                    is_backed_up, name, created_at)
                SELECT n, {key}, {key}, {key}, 0, '', '', TRUE, TRUE, 'many', {time} FROM ({numbers}) AS numbers
                """,
                $"""
                INSERT INTO identities (user_id, provider, subject, created_at)
                SELECT n, 'many', 'many' || n, {time} FROM ({numbers}) AS numbers
                """,
                $"""
                INSERT INTO mail_codes (purpose, request_hash, normalized_email, tries, expires_at)
                SELECT 1, {key}, 'many' || n || '@example.com', 0, {later} FROM ({numbers}) AS numbers
                """,
                $"INSERT INTO second_factors (user_id, secret) SELECT n, 'many' FROM ({numbers}) AS numbers",
                $"""
                INSERT INTO challenges (hash, kind, user_id, session_id, data, tries, expires_at)
                SELECT {key}, 1, n, n, '', 0, {later} FROM ({numbers}) AS numbers
                """,
                $"INSERT INTO recovery_codes (user_id, code_hash) SELECT n, {key} FROM ({numbers}) AS numbers",
                $"""
                INSERT INTO waiting_registrations (normalized_email, email, name, password_hash, created_at)
                SELECT 'many' || n, 'many', 'many', 'many', {later} FROM ({numbers}) AS numbers
                """,
                $"INSERT INTO rate_limits (key_hash, count, ends_at) SELECT {key}, 1, {later} FROM ({numbers}) AS numbers",
                $"""
                INSERT INTO one_time_tokens (user_id, purpose, token_hash, normalized_email, expires_at)
                SELECT n, 2, {hash(0)}, 'many', {time} FROM ({numbers}) AS numbers
                """,
            ];
            foreach (var insert in inserts)
                await db.Database.ExecuteSqlRawAsync(insert);
            await db.Database.ExecuteSqlRawAsync("ANALYZE");
            return 0;
        });
    }
}

public sealed class QueryPlanTests(ManyUsersFixture app) : TestBase<ManyUsersFixture>
{
    const string Password = "correct horse battery staple";

    [Fact]
    public async Task Every_query_of_every_slice_uses_an_index()
    {
        var email = $"user-{Guid.NewGuid():N}@example.com";
        var username = $"u{Guid.NewGuid():N}"[..UserProfile.UsernameMaxLength];
        using var anyone = app.CreateClient();
        var target = await app.CreateUserAsync();
        using var admin = app.ClientWith(await app.CreateKeyAsync());
        using var phone = new SoftAuthenticator();
        // One whose only ways in are identities, and one whose logins take a code.
        using var linked = app.CreateClient();
        var enrolled = new EnrolledUser(await app.CreateUserAsync(), "", []);
        using var careful = app.ClientFor(enrolled.User);
        var (refreshToken, sessionId, passkeyId, identityIds) = ("", 0L, 0L, Array.Empty<long>());
        var slices = new Dictionary<string, Func<HttpClient, Task<HttpResponseMessage>>>
        {
            ["Register"] = c => c.PostAsJsonAsync("/register", new { name = "John", email, password = Password }, Cancellation),
            ["StartGuest"] = c => c.PostAsJsonAsync("/guests", new { device = "Phone" }, Cancellation),
            ["Register from a guest"] = async c =>
            {
                var guest = await app.CreateGuestAsync();
                using var request = new HttpRequestMessage(HttpMethod.Post, "/register");
                request.Content = JsonContent.Create(new { email = "guest" + email, password = Password, from_guest = true });
                request.Headers.Authorization = new("Bearer", guest.Token);
                return await c.SendAsync(request, Cancellation);
            },
            ["Login"] = c => c.PostAsJsonAsync("/login", new { email, password = Password }, Cancellation),
            ["RequestLoginCode"] = c => c.PostAsJsonAsync("/login/code", new { email = "code" + email }, Cancellation),
            ["LoginWithCode"] = async c =>
            {
                // Of an account that nobody has verified, and of none.
                await (await c.PostAsJsonAsync("/register", new { name = "Thief", email = "owner" + email, password = Password },
                    Cancellation)).ShouldBeAsync(HttpStatusCode.Created);
                await (await UseAsync(c, await app.CodeAsync("owner" + email, client: c))).ShouldBeAsync(HttpStatusCode.OK);
                return await UseAsync(c, await app.CodeAsync("new" + email, client: c));
            },
            ["GetMe"] = c => c.GetAsync("/me", Cancellation),
            ["UpdateMe"] = c =>
                c.PutAsJsonAsync("/me", new { name = "Another", email = "x" + email, current_password = Password }, Cancellation),
            ["PatchMe"] = c =>
                c.PatchAsync("/me", new StringContent($$"""{"username":"{{username}}","is_public":true}""",
                    new MediaTypeHeaderValue("application/merge-patch+json")), Cancellation),
            ["GetUser"] = c => c.GetAsync($"/users/{username}", Cancellation),
            ["ForgotPassword"] = c => c.PostAsJsonAsync("/password/forgot", new { email }, Cancellation),
            ["ResendVerification"] = c => c.PostAsJsonAsync("/email/verify/resend", new { }, Cancellation),
            ["VerifyEmail"] = async c =>
                await c.PostAsJsonAsync("/email/verify", new { token = await TokenAsync(TokenPurpose.VerifyEmail, "x" + email) },
                    Cancellation),
            ["ChangePassword"] = c =>
                c.PutAsJsonAsync("/me/password", new { current_password = Password, new_password = Password + "2" }, Cancellation),
            ["UploadImage"] = c => c.UploadAsync(TestImage.Png(8, 8, 255, 0, 0), Cancellation),
            ["DeleteImage"] = c => c.DeleteAsync("/me/upload-image", Cancellation),
            ["StartPasskeyRegistration"] = c => c.PostAsync("/passkeys/registration/options", null, Cancellation),
            ["AddPasskey"] = c => phone.RegisterAsync(c),
            ["ListPasskeys"] = c => c.GetAsync("/me/passkeys", Cancellation),
            ["RenamePasskey"] = c => c.PatchAsJsonAsync($"/me/passkeys/{passkeyId}", new { name = "Phone" }, Cancellation),
            ["StartPasskeyLogin"] = c => c.PostAsync("/passkeys/authentication/options", null, Cancellation),
            ["LoginWithPasskey"] = c => phone.LogInAsync(c),
            ["RemovePasskey"] = c => c.DeleteAsync($"/me/passkeys/{passkeyId}", Cancellation),
            ["LoginWithIdToken"] = async c =>
            {
                // Of an address that has an account, which is linked by the second time, of a new address, and of none.
                foreach (var address in new[] { "owner" + email, "owner" + email, "issued" + email })
                    await (await app.SendTokenAsync(c, "/login/id-token", address)).ShouldBeAsync(HttpStatusCode.OK);
                return await app.SendTokenAsync(c, "/login/id-token");
            },
            ["AddIdentity"] = _ => app.SendTokenAsync(linked, "/me/identities"),
            ["ListIdentities"] = _ => linked.GetAsync("/me/identities", Cancellation),
            ["RemoveIdentity"] = async _ =>
            {
                var removed = await linked.DeleteAsync($"/me/identities/{identityIds[0]}", Cancellation);
                // The last way in: all are counted.
                await (await linked.DeleteAsync($"/me/identities/{identityIds[1]}", Cancellation))
                    .ShouldBeProblemAsync(HttpStatusCode.Conflict);
                return removed;
            },
            ["AddTotp"] = _ => careful.PostAsync("/me/mfa/totp", null, Cancellation),
            ["ConfirmTotp"] = async _ => await careful.PostAsJsonAsync(
                "/me/mfa/totp/confirm", new { code = await app.CodeAsync(enrolled) }, Cancellation),
            ["GetMfa"] = _ => careful.GetAsync("/me/mfa", Cancellation),
            ["RenewRecoveryCodes"] = _ => careful.PostAsync("/me/mfa/recovery-codes", null, Cancellation),
            ["LoginWithMfa"] = async c => await c.PostAsJsonAsync("/login/mfa",
                new { mfa_token = await app.MfaTokenAsync(enrolled.User, client: c), code = await app.CodeAsync(enrolled) }, Cancellation),
            ["LoginWithMfa with a recovery code"] = async c => await c.PostAsJsonAsync("/login/mfa",
                new { mfa_token = await app.MfaTokenAsync(enrolled.User, client: c), recovery_code = enrolled.RecoveryCodes[0] },
                Cancellation),
            ["RemoveTotp"] = _ => careful.DeleteAsync("/me/mfa/totp", Cancellation),
            ["ListSecurityEvents"] = c => c.GetAsync("/me/security-events", Cancellation),
            ["ExportMe"] = c => c.GetAsync("/me/export", Cancellation),
            ["ListSessions"] = c => c.GetAsync("/me/sessions", Cancellation),
            ["EndOtherSessions"] = c => c.DeleteAsync("/me/sessions", Cancellation),
            ["RefreshToken"] = c => c.PostAsJsonAsync("/token/refresh", new { refresh_token = refreshToken }, Cancellation),
            ["EndSession"] = c => c.DeleteAsync($"/me/sessions/{sessionId}", Cancellation),
            ["SubmitDeletion"] = async c =>
            {
                await (await c.PostAsJsonAsync("/register", new { name = "Gone", email = "gone" + email, password = Password },
                    Cancellation)).ShouldBeAsync(HttpStatusCode.Created);
                return await c.PostAsync("/account/deletion",
                    new FormUrlEncodedContent(new Dictionary<string, string> { ["email"] = "gone" + email, ["password"] = Password }),
                    Cancellation);
            },
            ["ResetPassword"] = async c =>
                await c.PostAsJsonAsync("/password/reset",
                    new { token = await TokenAsync(TokenPurpose.ResetPassword, "x" + email), new_password = Password }, Cancellation),
            ["Logout"] = async c =>
            {
                var again = await (await c.PostAsJsonAsync("/login", new { email = "x" + email, password = Password }, Cancellation))
                    .ShouldBeAsync(HttpStatusCode.OK);
                c.DefaultRequestHeaders.Authorization = new("Bearer", again.GetProperty("access_token").GetString());
                return await c.PostAsync("/logout", null, Cancellation);
            },
            ["DeleteMe"] = async c =>
            {
                var again = await (await c.PostAsJsonAsync("/login", new { email = "x" + email, password = Password }, Cancellation))
                    .ShouldBeAsync(HttpStatusCode.OK);
                c.DefaultRequestHeaders.Authorization = new("Bearer", again.GetProperty("access_token").GetString());
                return await c.SendAsync(new(HttpMethod.Delete, "/me") { Content = JsonContent.Create(new { password = Password }) },
                    Cancellation);
            },
            ["FindUsers"] = _ => admin.GetAsync("/admin/users?query=many12", Cancellation),
            ["FindUsers without an address"] = _ => admin.GetAsync("/admin/users?limit=2&cursor=bjA", Cancellation),
            ["ShowUser"] = _ => admin.GetAsync($"/admin/users/{target.Id}", Cancellation),
            ["ExportUser"] = _ => admin.GetAsync($"/admin/users/{target.Id}/export", Cancellation),
            ["ListAudit"] = _ => admin.GetAsync($"/admin/audit?user_id={target.Id}", Cancellation),
            ["VerifyUser"] = _ => admin.PostAsync($"/admin/users/{target.Id}/verify", null, Cancellation),
            ["EndUserSessions"] = _ => admin.PostAsync($"/admin/users/{target.Id}/end-sessions", null, Cancellation),
            ["DisableUser"] = _ => admin.PostAsync($"/admin/users/{target.Id}/disable", null, Cancellation),
            ["EnableUser"] = _ => admin.PostAsync($"/admin/users/{target.Id}/enable", null, Cancellation),
            ["DeleteUser"] = _ => admin.DeleteAsync($"/admin/users/{target.Id}", Cancellation),
        };
        // A new slice is listed above too, unless it sends no query.
        var readers = typeof(Program).Assembly.GetTypes().Where(t => t.IsSubclassOf(typeof(BaseEndpoint)))
            .Where(t => t.GetConstructors(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic).Single().GetParameters()
                .Any(p => p.ParameterType == typeof(ProfilesDbContext)))
            .Select(t => t.Name.Replace("Endpoint", "", StringComparison.Ordinal)).ToArray();
        readers.Length.ShouldBeGreaterThan(15);
        readers.Except(slices.Keys).ShouldBeEmpty();

        foreach (var (slice, ask) in slices)
        {
            foreach (var client in new[] { anyone, admin, linked, careful })
            {
                client.DefaultRequestHeaders.Remove("X-Test-Trace");
                client.DefaultRequestHeaders.Add("X-Test-Trace", $"plan of {slice}");
            }
            var response = await ask(anyone);
            response.StatusCode.ShouldBe(slice switch
            {
                "Register" or "AddPasskey" or "StartGuest" or "Register from a guest" or "AddIdentity" => HttpStatusCode.Created,
                "ForgotPassword" or "ResendVerification" or "RequestLoginCode" => HttpStatusCode.Accepted,
                _ => HttpStatusCode.OK
            }, slice);
            switch (slice)
            {
                case "Login":
                    var answer = await BodyAsync();
                    anyone.DefaultRequestHeaders.Authorization = new("Bearer", answer.GetProperty("access_token").GetString());
                    refreshToken = answer.GetProperty("refresh_token").GetString()!;
                    break;
                case "ListPasskeys":
                    passkeyId = (await BodyAsync()).GetProperty("passkeys")[0].GetProperty("id").GetInt64();
                    break;
                case "LoginWithIdToken":
                    linked.DefaultRequestHeaders.Authorization = new("Bearer", (await BodyAsync()).GetProperty("access_token").GetString());
                    break;
                case "ListIdentities":
                    identityIds =
                    [
                        .. (await BodyAsync()).GetProperty("identities").EnumerateArray().Select(i => i.GetProperty("id").GetInt64()),
                    ];
                    break;
                case "AddTotp":
                    enrolled = enrolled with { Secret = (await BodyAsync()).GetProperty("secret").GetString()! };
                    break;
                case "RenewRecoveryCodes":
                    enrolled = enrolled with { RecoveryCodes = [(await BodyAsync()).GetProperty("recovery_codes")[0].GetString()!] };
                    break;
                case "ListSessions":
                    sessionId = (await BodyAsync()).GetProperty("sessions").EnumerateArray()
                        .Single(s => s.GetProperty("current").GetBoolean()).GetProperty("id").GetInt64();
                    break;
            }
            Task<JsonElement> BodyAsync() => response.ShouldBeAsync(HttpStatusCode.OK);

            var commands = app.Services.GetRequiredService<CommandLog>().Of($"plan of {slice}");
            // It needs the prepared query only, see below.
            if (slice != "GetMe")
                commands.ShouldNotBeEmpty(slice);
            foreach (var command in commands)
                (await PlanAsync(command))
                    .ShouldNotContain(step => step.Contains("Seq Scan")
                    || step.StartsWith("SCAN", StringComparison.Ordinal), $"{slice}: {command.Text}");
        }
    }

    [Fact]
    public async Task The_prepared_query_uses_an_index_for_every_table()
    {
        var plan = await PlanAsync(new(SessionUser.Query.Replace("$1", "1").Replace("$2", "1"), []));
        plan.Count.ShouldBeGreaterThanOrEqualTo(3);
        plan.ShouldNotContain(step => step.Contains("Seq Scan") || step.StartsWith("SCAN", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_cleanup_uses_an_index_for_every_kind()
    {
        var (cleaner, log) = (app.Services.GetRequiredService<CleanupService>(), app.Services.GetRequiredService<CommandLog>());
        await cleaner.SweepAsync(TimeSpan.Zero, Cancellation);
        // Guests are looked up, and deleted one by one.
        var commands = log.Of(null).Where(c => c.Text.Contains("LIMIT")
                && (!c.Text.StartsWith("SELECT", StringComparison.Ordinal) || (c.Text.Contains("guest_since") && c.Text.Contains(">="))))
            .DistinctBy(c => c.Text).ToArray();
        commands.Length.ShouldBe(app.Services.GetServices<ExpiredRows>().Count());
        foreach (var command in commands)
            (await PlanAsync(command, isEmpty: true))
                .ShouldNotContain(step => step.Contains("Seq Scan")
                || step.StartsWith("SCAN", StringComparison.Ordinal), command.Text);
    }

    [Fact]
    public async Task A_lane_of_the_outbox_and_an_endpoint_of_webhooks_read_their_own_entries_only()
    {
        const string Due = "SELECT id FROM outbox WHERE store = 4 AND due_at <= CURRENT_TIMESTAMP";
        (await PlanAsync(new($"{Due} ORDER BY due_at LIMIT 20", []))).ShouldContain(step => step.Contains("ix_outbox_store_due_at"));
        (await PlanAsync(new($"{Due} AND key = 'crm' AND payload IS NOT NULL AND state <> 5 ORDER BY due_at LIMIT 20", [])))
            .ShouldContain(step => step.Contains("ix_outbox_store_key_due_at"));
    }

    [Fact]
    public async Task A_query_without_an_index_is_detected() =>
        (await PlanAsync(new("SELECT id FROM users WHERE email = 'x'", [])))
            .ShouldContain(step => step.Contains("Seq Scan") || step.StartsWith("SCAN", StringComparison.Ordinal));

    Task<HttpResponseMessage> UseAsync(HttpClient client, LoginCode code) => client.PostAsJsonAsync(
        "/login/code/verify", new { request_token = code.RequestToken, email = code.Email, code = code.Digits }, Cancellation);

    // The token as the mail would contain it.
    Task<string> TokenAsync(TokenPurpose purpose, string email) => app.QueryAsync(async db =>
    {
        var user = (await db.FindUserAsync(email, Cancellation))!;
        // A mail that is still in the outbox would replace the token.
        while (await db.Outbox.AnyAsync(e => e.UserId == user.Id || e.Key == email, Cancellation))
            await Task.Delay(20, Cancellation);
        var token = Guid.NewGuid().ToString("N");
        db.OneTimeTokens.Add(new()
        {
            UserId = user.Id,
            Purpose = purpose,
            TokenHash = SHA256.HashData(Encoding.UTF8.GetBytes(token)),
            NormalizedEmail = email,
            ExpiresAt = app.Clock.GetUtcNow().UtcDateTime.AddMinutes(5)
        });
        await db.SaveChangesAsync(Cancellation);
        return token;
    });

    /// <param name="logged">The command.</param>
    /// <param name="isEmpty">Whether a table may be empty: PostgreSQL would scan it although an index fits.</param>
    Task<List<string>> PlanAsync(LoggedCommand logged, bool isEmpty = false) => app.QueryAsync(async db =>
    {
        await db.Database.OpenConnectionAsync(Cancellation);
        if (TestDatabase.IsPostgreSql)
            await db.Database.ExecuteSqlAsync($"SELECT set_config('enable_seqscan', {(isEmpty ? "off" : "on")}, FALSE)", Cancellation);
        var steps = new List<string>();
        foreach (var statement in logged.Text.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            await using var explain = db.Database.GetDbConnection().CreateCommand();
            explain.CommandText = (TestDatabase.IsPostgreSql ? "EXPLAIN " : "EXPLAIN QUERY PLAN ") + statement;
            foreach (var (name, type, value) in logged.Parameters.Where(p => statement.Contains(p.Name, StringComparison.Ordinal)))
            {
                var parameter = explain.CreateParameter();
                (parameter.ParameterName, parameter.Value) = (name, value);
                if (TestDatabase.IsPostgreSql)
                    parameter.DbType = type;
                explain.Parameters.Add(parameter);
            }
            await using var rows = await explain.ExecuteReaderAsync(Cancellation);
            while (await rows.ReadAsync(Cancellation))
                steps.Add(rows.GetString(rows.FieldCount - 1).Trim());
        }
        return steps;
    });
}
