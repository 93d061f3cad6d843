using System.Buffers.Text;
using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Tests.Features.AddPasskey;

namespace Profiles.Tests.Features.LoginWithPasskey;

public sealed class LoginWithPasskeyTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    [Fact]
    public async Task A_passkey_logs_in_without_address_and_password_and_stands_for_two_factors()
    {
        var (user, phone) = await RegisterAsync();
        using var owned = phone;
        await app.QueryAsync(db =>
        {
            db.SecondFactors.Add(new() { UserId = user.Id, Secret = "sealed", ConfirmedAt = DateTime.UnixEpoch });
            return db.SaveChangesAsync(Cancellation);
        });
        var tokens = await (await phone.LogInAsync(app.Client, " John's phone ")).ShouldBeAsync(HttpStatusCode.OK);
        tokens.Names().Order().ShouldBe(["access_token", "expires_in", "refresh_expires_in", "refresh_token", "token_type"]);
        var token = tokens.GetProperty("access_token").GetString()!;
        using var claims = JsonDocument.Parse(Base64Url.DecodeFromChars(token.Split('.')[1]));
        claims.RootElement.GetProperty("user_id").GetInt64().ShouldBe(user.Id);
        claims.RootElement.GetProperty("amr").EnumerateArray().Select(a => a.GetString()).ShouldBe(["swk", "user", "mfa"]);

        using var client = app.ClientFor(user with { Token = token });
        await (await client.GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        var sessions = await (await client.GetAsync("/me/sessions", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        sessions.GetProperty("sessions")[0].GetProperty("device").GetString().ShouldBe("John's phone");
        var passkeys = await (await client.GetAsync("/me/passkeys", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        passkeys.GetProperty("passkeys")[0].GetProperty("last_used_at").GetDateTimeOffset()
            .ShouldBe(app.Clock.GetUtcNow(), TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task A_key_that_cannot_be_copied_says_so()
    {
        var (_, phone) = await RegisterAsync(p => p.Flags = SoftAuthenticator.UserPresent | SoftAuthenticator.UserVerified);
        using var owned = phone;
        var tokens = await (await phone.LogInAsync(app.Client)).ShouldBeAsync(HttpStatusCode.OK);
        using var claims = JsonDocument.Parse(Base64Url.DecodeFromChars(tokens.GetProperty("access_token").GetString()!.Split('.')[1]));
        claims.RootElement.GetProperty("amr").EnumerateArray().Select(a => a.GetString()).ShouldBe(["hwk", "user", "mfa"]);
    }

    public static readonly TheoryData<string> Lies =
    [
        .. AddPasskeyTests.Lies.Select(l => l.Data).Except(["algorithm", "other id", "no key", "another algorithm's key"]),
        "signature of another key", "changed signature", "empty signature", "other user", "no user", "unknown passkey", "became copyable",
        "registration's type",
    ];

    [Theory]
    [MemberData(nameof(Lies))]
    public async Task A_forged_answer_is_refused_in_one_way(string lie)
    {
        var (_, phone) = await RegisterAsync(
            p => p.Flags = lie == "became copyable" ? SoftAuthenticator.UserPresent | SoftAuthenticator.UserVerified : p.Flags);
        var (_, other) = await RegisterAsync();
        using SoftAuthenticator owned = phone, otherOwned = other;
        AddPasskeyTests.Lie(phone, lie);
        switch (lie)
        {
            case "signature of another key":
                other.CredentialId = phone.CredentialId;
                other.UserHandle = phone.UserHandle;
                phone = other;
                break;
            case "changed signature":
                phone.Signature = s => [.. s[..^1], (byte)(s[^1] ^ 1)];
                break;
            case "empty signature":
                phone.Signature = _ => [0];
                break;
            case "other user":
                phone.UserHandle = other.UserHandle;
                break;
            case "no user":
                phone.UserHandle = [0];
                break;
            case "unknown passkey":
                phone.CredentialId = [1, 2, 3];
                break;
            case "became copyable":
                phone.Flags |= SoftAuthenticator.BackupEligible;
                break;
            case "registration's type":
                phone.Type = "webauthn.create";
                break;
        }
        await ShouldBeRefusedAsync(await phone.LogInAsync(app.Client));
    }

    [Fact]
    public async Task A_challenge_is_answered_once_and_in_time()
    {
        var (user, phone) = await RegisterAsync();
        using var owned = phone;
        var body = phone.Get(await SoftAuthenticator.OptionsAsync(app.Client, "authentication"));
        await (await SendAsync(body)).ShouldBeAsync(HttpStatusCode.OK);
        await ShouldBeRefusedAsync(await SendAsync(body));

        // Sent ten times at once, as a thief in the network would.
        var text = phone.Get(await SoftAuthenticator.OptionsAsync(app.Client, "authentication")).ToJsonString();
        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => app.Client.PostAsync(
            SoftAuthenticator.LoginPath, new StringContent(text, Encoding.UTF8, "application/json"), Cancellation)));
        answers.Count(a => a.StatusCode == HttpStatusCode.OK).ShouldBe(1);
        answers.Count(a => a.StatusCode == HttpStatusCode.Unauthorized).ShouldBe(9);

        // A wrong answer spends it too.
        var options = await SoftAuthenticator.OptionsAsync(app.Client, "authentication");
        phone.Signature = _ => [0];
        await ShouldBeRefusedAsync(await SendAsync(phone.Get(options)));
        phone.Signature = s => s;
        await ShouldBeRefusedAsync(await SendAsync(phone.Get(options)));

        // That of a registration.
        using var client = app.ClientFor(user);
        await ShouldBeRefusedAsync(await SendAsync(phone.Get(await SoftAuthenticator.OptionsAsync(client, "registration"))));

        options = await SoftAuthenticator.OptionsAsync(app.Client, "authentication");
        var hash = SHA256.HashData(Base64Url.DecodeFromChars(options.GetProperty("challenge").GetString()));
        await app.QueryAsync(db => db.Challenges.Where(c => c.Hash == hash)
            .ExecuteUpdateAsync(c => c.SetProperty(x => x.ExpiresAt, app.Clock.GetUtcNow().UtcDateTime), Cancellation));
        await ShouldBeRefusedAsync(await SendAsync(phone.Get(options)));
    }

    [Fact]
    public async Task A_counter_that_does_not_rise_is_refused_and_the_owner_sees_it()
    {
        var (user, phone) = await RegisterAsync(p => p.Counter = 5);
        using var owned = phone;
        foreach (var (counter, isTaken) in new[] { (5u, false), (4u, false), (0u, false), (6u, true), (6u, false), (uint.MaxValue, true) })
        {
            phone.Counter = counter;
            var answer = await phone.LogInAsync(app.Client);
            if (isTaken)
                await answer.ShouldBeAsync(HttpStatusCode.OK);
            else
                await ShouldBeRefusedAsync(answer);
        }
        // Written after the answer.
        var watch = Stopwatch.StartNew();
        while (await CountAsync() < 4)
        {
            watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(30));
            await Task.Delay(20, Cancellation);
        }
        (await CountAsync()).ShouldBe(4);

        Task<int> CountAsync() => app.QueryAsync(db => db.SecurityEvents.CountAsync(
            e => e.UserId == user.Id && e.Kind == SecurityEventKind.PasskeyCounterReturned, Cancellation));
    }

    [Fact]
    public async Task A_passkey_that_is_no_longer_copied_says_so()
    {
        var (user, phone) = await RegisterAsync();
        using var owned = phone;
        phone.Flags &= ~SoftAuthenticator.BackedUp;
        await (await phone.LogInAsync(app.Client)).ShouldBeAsync(HttpStatusCode.OK);
        (await app.QueryAsync(db => db.Passkeys.Where(p => p.UserId == user.Id).Select(p => p.IsBackedUp).SingleAsync(Cancellation)))
            .ShouldBeFalse();
    }

    [Fact]
    public async Task A_disabled_and_a_deleted_account_are_refused_like_an_unknown_passkey()
    {
        var (disabled, disabledPhone) = await RegisterAsync();
        var (deleted, deletedPhone) = await RegisterAsync();
        using SoftAuthenticator owned = disabledPhone, deletedOwned = deletedPhone, unknown = new();
        unknown.UserHandle = new byte[32];
        await app.QueryAsync(db => db.Users.Where(u => u.Id == disabled.Id)
            .ExecuteUpdateAsync(u => u.SetProperty(x => x.DisabledAt, app.Clock.GetUtcNow().UtcDateTime), Cancellation));
        using var client = app.ClientFor(deleted);
        await (await client.SendAsync(new(HttpMethod.Delete, "/me") { Content = JsonContent.Create(new { password = deleted.Password }) },
            Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        (await app.QueryAsync(db => db.Passkeys.AnyAsync(p => p.UserId == deleted.Id, Cancellation))).ShouldBeFalse();
        foreach (var phone in new[] { disabledPhone, deletedPhone, unknown })
            await ShouldBeRefusedAsync(await phone.LogInAsync(app.Client));
    }

    [Fact]
    public async Task Nested_extensions_do_not_end_the_process()
    {
        var (_, phone) = await RegisterAsync();
        using var owned = phone;
        foreach (var length in new[] { 2010, 12_000 })
        {
            phone.Extensions = [.. Enumerable.Repeat<byte>(0x81, length), 0x00];
            var answer = await phone.LogInAsync(app.Client);
            if (length < 2048)
                await ShouldBeRefusedAsync(answer);
            else
                await answer.ShouldRefuseFieldsAsync("credential");
        }
    }

    [Fact]
    public async Task Malformed_members_are_refused_by_name()
    {
        using var phone = new SoftAuthenticator { UserHandle = new byte[32] };
        var options = await SoftAuthenticator.OptionsAsync(app.Client, "authentication");
        foreach (var member in new[] { "clientDataJSON", "authenticatorData", "signature", "userHandle" })
        {
            foreach (var value in new[] { null, "", "A", "AA==", "+/", " ", new string('A', 6000) })
            {
                var body = phone.Get(options);
                body["credential"]!["response"]![member] = value;
                var field = value is null ? $"credential.response.{member}" : "credential";
                await (await SendAsync(body)).ShouldRefuseFieldsAsync(field);
            }
        }
        var named = phone.Get(options, "a\nb");
        await (await SendAsync(named)).ShouldRefuseFieldsAsync("device");
    }

    async Task<(TestUser User, SoftAuthenticator Phone)> RegisterAsync(Action<SoftAuthenticator>? prepare = null)
    {
        var (user, phone) = (await app.CreateUserAsync(), new SoftAuthenticator());
        prepare?.Invoke(phone);
        using var client = app.ClientFor(user);
        await (await phone.RegisterAsync(client)).ShouldBeAsync(HttpStatusCode.Created);
        return (user, phone);
    }

    Task<HttpResponseMessage> SendAsync(JsonObject body) => app.Client.PostAsJsonAsync(SoftAuthenticator.LoginPath, body, Cancellation);

    static async Task ShouldBeRefusedAsync(HttpResponseMessage response)
    {
        var problem = await response.ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        problem.GetProperty("code").GetString().ShouldBe("invalid_passkey");
        problem.Names().ShouldBe(["type", "title", "status", "detail", "code", "trace_id"]);
    }
}
