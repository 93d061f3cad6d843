using System.Buffers.Text;
using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Tests.Infrastructure.Sessions;

namespace Profiles.Tests.Features.AddPasskey;

public sealed class AddPasskeyTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    [Theory]
    [InlineData(SoftAuthenticator.ES256)]
    [InlineData(SoftAuthenticator.EdDSA)]
    [InlineData(SoftAuthenticator.RS256)]
    public async Task A_passkey_of_each_algorithm_is_added_and_logs_in(int algorithm)
    {
        var user = await app.CreateUserAsync();
        using var client = app.ClientFor(user);
        using var phone = new SoftAuthenticator(algorithm) { Aaguid = new("fbfc3007-154e-4ecc-8c0b-6e020557d7bd") };
        var response = await phone.RegisterAsync(client, "  John's phone ");
        var added = await response.ShouldBeAsync(HttpStatusCode.Created);
        response.Headers.Location!.ToString().ShouldBe("/me/passkeys");
        added.Names().ShouldBe(["id", "name", "aaguid", "transports", "backed_up", "created_at", "last_used_at"]);
        (added.GetProperty("name").GetString(), added.GetProperty("aaguid").GetString(), added.GetProperty("backed_up").GetBoolean())
            .ShouldBe(("John's phone", "fbfc3007-154e-4ecc-8c0b-6e020557d7bd", true));
        added.GetProperty("transports").EnumerateArray().Select(t => t.GetString()).ShouldBe(["hybrid", "internal"]);

        var stored = await app.QueryAsync(db => db.Passkeys.AsNoTracking().SingleAsync(p => p.UserId == user.Id, Cancellation));
        stored.CredentialId.ShouldBe(phone.CredentialId);
        stored.PublicKey.ShouldBe(phone.PublicKey());
        (stored.IsBackupEligible, stored.IsBackedUp, stored.SignCount).ShouldBe((true, true, 0));
        (await app.QueryAsync(db => db.SecurityEvents.AnyAsync(
            e => e.UserId == user.Id && e.Kind == SecurityEventKind.PasskeyAdded, Cancellation))).ShouldBeTrue();
        await app.MailAsync(user.Email, "A passkey was added");
        await (await phone.LogInAsync(app.Client)).ShouldBeAsync(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_guest_becomes_a_full_account()
    {
        var user = await app.CreateUserAsync();
        await app.QueryAsync(db => db.Users.Where(u => u.Id == user.Id)
            .ExecuteUpdateAsync(u => u.SetProperty(x => x.GuestSince, DateTime.UnixEpoch), Cancellation));
        using var client = app.ClientFor(user);
        using var phone = new SoftAuthenticator();
        await (await phone.RegisterAsync(client)).ShouldBeAsync(HttpStatusCode.Created);
        (await app.QueryAsync(db => db.Users.SingleAsync(u => u.Id == user.Id, Cancellation))).GuestSince.ShouldBeNull();
    }

    // What each of them lies about.
    public static readonly TheoryData<string> Lies =
    [
        "type", "origin", "origin in capitals", "origin with a path", "origin of a subdomain", "no origin", "frame",
        "frame of another page", "domain", "no presence", "no verification", "copied without being able to", "algorithm", "other id",
        "no key", "trailing bytes", "extensions cut off", "deep extensions", "another algorithm's key",
    ];

    [Theory]
    [MemberData(nameof(Lies))]
    public async Task A_forged_answer_is_refused(string lie)
    {
        var user = await app.CreateUserAsync();
        using var client = app.ClientFor(user);
        using var phone = new SoftAuthenticator(lie == "algorithm" ? SoftAuthenticator.ES384 : SoftAuthenticator.ES256);
        Lie(phone, lie);
        var body = phone.Create(await SoftAuthenticator.OptionsAsync(client, "registration"));
        if (lie == "other id")
        {
            foreach (var member in new[] { "id", "rawId" })
                body["credential"]![member] = "AAAA";
        }
        if (lie == "no key")
            body["credential"]!["response"]!["attestationObject"] = Base64Url.EncodeToString([0xA0]);
        if (lie == "another algorithm's key")
            Replace(body, phone.PublicKey(), [.. phone.PublicKey()[..4], 0x27, .. phone.PublicKey()[5..]]);
        var refused = await SendAsync(client, body);
        var problem = await refused.ShouldBeProblemAsync(HttpStatusCode.BadRequest);
        problem.GetProperty("code").GetString().ShouldBe("passkey_refused");
        (await app.QueryAsync(db => db.Passkeys.AnyAsync(p => p.UserId == user.Id, Cancellation))).ShouldBeFalse();
    }

    // Also of logins.
    internal static void Lie(SoftAuthenticator phone, string lie)
    {
        switch (lie)
        {
            case "type":
                phone.Type = "payment.get";
                break;
            case "origin":
                phone.Origin = "https://profiles.example.evil.example";
                break;
            case "origin in capitals":
                phone.Origin = "https://PROFILES.example";
                break;
            case "origin with a path":
                phone.Origin = "https://profiles.example/x";
                break;
            case "origin of a subdomain":
                phone.Origin = "https://user-pages.profiles.example";
                break;
            case "no origin":
                phone.ClientData["origin"] = null;
                break;
            case "frame":
                phone.ClientData["crossOrigin"] = true;
                break;
            case "frame of another page":
                phone.ClientData["topOrigin"] = "https://evil.example";
                break;
            case "domain":
                phone.RelyingPartyId = "evil.example";
                break;
            case "no presence":
                phone.Flags &= ~SoftAuthenticator.UserPresent;
                break;
            case "no verification":
                phone.Flags &= ~SoftAuthenticator.UserVerified;
                break;
            case "copied without being able to":
                phone.Flags &= ~SoftAuthenticator.BackupEligible;
                break;
            case "trailing bytes":
                phone.Flags |= SoftAuthenticator.HasExtensions;
                phone.Extensions = [0xA0, 0x00];
                break;
            case "extensions cut off":
                phone.Extensions = [0xA1, 0x61];
                break;
            case "deep extensions":
                // An array in an array, as deep as the limit of the authenticator's data lets them be.
                phone.Extensions = [.. Enumerable.Repeat<byte>(0x81, 1700), 0x00, 0x00];
                break;
        }
    }

    static void Replace(JsonObject body, byte[] part, byte[] by)
    {
        var response = body["credential"]!["response"]!;
        var attestation = Convert.ToHexString(Base64Url.DecodeFromChars(response["attestationObject"]!.GetValue<string>()));
        attestation.ShouldContain(Convert.ToHexString(part));
        response["attestationObject"] =
            Base64Url.EncodeToString(Convert.FromHexString(attestation.Replace(Convert.ToHexString(part), Convert.ToHexString(by))));
    }

    [Fact]
    public async Task A_body_of_nested_arrays_does_not_end_the_process()
    {
        using var client = app.ClientFor(await app.CreateUserAsync());
        using var phone = new SoftAuthenticator();
        foreach (var nested in new[] { 0x81, 0xA1, 0xC0, 0x9F })
        {
            var body = phone.Create(await SoftAuthenticator.OptionsAsync(client, "registration"));
            // The largest attestation object that is decoded, in the statement's place.
            byte[] statement = [.. Enumerable.Repeat((byte)nested, 12_000), 0x00];
            body["credential"]!["response"]!["attestationObject"] =
                Base64Url.EncodeToString([0xA1, 0x67, .. "attStmt"u8, .. statement]);
            await (await SendAsync(client, body)).ShouldRefuseFieldsAsync("credential");
            phone.Extensions = statement;
            body = phone.Create(await SoftAuthenticator.OptionsAsync(client, "registration"));
            await (await SendAsync(client, body)).ShouldRefuseFieldsAsync("credential");
        }
    }

    [Fact]
    public async Task What_the_maker_says_of_the_authenticator_is_not_read()
    {
        using var client = app.ClientFor(await app.CreateUserAsync());
        foreach (var format in new[] { "packed", "apple", "android-safetynet", "tpm", "unheard-of" })
        {
            using var phone = new SoftAuthenticator { Format = format };
            await (await phone.RegisterAsync(client)).ShouldBeAsync(HttpStatusCode.Created);
        }
    }

    [Fact]
    public async Task A_challenge_is_answered_by_its_session_only_and_once()
    {
        var user = await app.CreateUserAsync();
        var other = await app.LogInAsync(user);
        using var client = app.ClientFor(user);
        using var otherSession = app.ClientFor(other);
        using var otherUser = app.ClientFor(await app.CreateUserAsync());
        using var phone = new SoftAuthenticator();
        var body = phone.Create(await SoftAuthenticator.OptionsAsync(client, "registration"));
        foreach (var stranger in new[] { otherSession, otherUser })
            await (await SendAsync(stranger, body)).ShouldRefuseFieldsAsync("credential");
        // Strangers have not spent it.
        await (await SendAsync(client, body)).ShouldBeAsync(HttpStatusCode.Created);
        await (await SendAsync(client, body)).ShouldRefuseFieldsAsync("credential");

        using var second = new SoftAuthenticator();
        // A challenge of a login, and one that nobody asked for.
        var login = (await SoftAuthenticator.OptionsAsync(app.Client, "authentication")).GetProperty("challenge").GetString();
        foreach (var challenge in new[] { login, Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32)) })
        {
            second.Challenge = challenge;
            await (await second.RegisterAsync(client)).ShouldRefuseFieldsAsync("credential");
        }
        second.Challenge = null;
        body = second.Create(await SoftAuthenticator.OptionsAsync(client, "registration"));
        await app.QueryAsync(db => db.Challenges.Where(c => c.UserId == user.Id)
            .ExecuteUpdateAsync(c => c.SetProperty(x => x.ExpiresAt, app.Clock.GetUtcNow().UtcDateTime), Cancellation));
        await (await SendAsync(client, body)).ShouldRefuseFieldsAsync("credential");
    }

    [Fact]
    public async Task Of_an_answer_that_is_sent_ten_times_at_once_one_is_taken()
    {
        var user = await app.CreateUserAsync();
        using var client = app.ClientFor(user);
        using var phone = new SoftAuthenticator();
        var body = phone.Create(await SoftAuthenticator.OptionsAsync(client, "registration")).ToJsonString();
        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => client.PostAsync(SoftAuthenticator.RegistrationPath,
            new StringContent(body, Encoding.UTF8, "application/json"), Cancellation)));
        answers.Count(a => a.StatusCode == HttpStatusCode.Created).ShouldBe(1);
        answers.Count(a => a.StatusCode == HttpStatusCode.BadRequest).ShouldBe(9);
        (await app.QueryAsync(db => db.Passkeys.CountAsync(p => p.UserId == user.Id, Cancellation))).ShouldBe(1);
    }

    [Fact]
    public async Task A_passkey_belongs_to_one_account_and_an_account_has_at_most_twenty()
    {
        using var client = app.ClientFor(await app.CreateUserAsync());
        using var phone = new SoftAuthenticator();
        await (await phone.RegisterAsync(client)).ShouldBeAsync(HttpStatusCode.Created);
        var other = await app.CreateUserAsync();
        using var otherClient = app.ClientFor(other);
        var taken = await (await phone.RegisterAsync(otherClient)).ShouldBeProblemAsync(HttpStatusCode.Conflict);
        taken.GetProperty("code").GetString().ShouldBe("passkey_taken");

        for (var i = 0; i < Passkey.MostPerUser - 1; i++)
        {
            using var key = new SoftAuthenticator();
            await (await key.RegisterAsync(otherClient)).ShouldBeAsync(HttpStatusCode.Created);
        }
        // Both have asked while there was room for one.
        using var secondSession = app.ClientFor(await app.LogInAsync(other));
        using SoftAuthenticator last = new(), tooMany = new();
        var (room, noRoom) = (last.Create(await SoftAuthenticator.OptionsAsync(otherClient, "registration")),
            tooMany.Create(await SoftAuthenticator.OptionsAsync(secondSession, "registration")));
        await (await SendAsync(otherClient, room)).ShouldBeAsync(HttpStatusCode.Created);
        foreach (var refused in new[]
        {
            await SendAsync(secondSession, noRoom),
            await secondSession.PostAsync("/passkeys/registration/options", null, Cancellation),
        })
        {
            (await refused.ShouldBeProblemAsync(HttpStatusCode.Conflict)).GetProperty("code").GetString().ShouldBe("too_many_passkeys");
        }
    }

    [Fact]
    public async Task A_session_that_ends_meanwhile_leaves_no_passkey_behind()
    {
        var user = await app.CreateUserAsync();
        using var client = app.ClientFor(user);
        using var phone = new SoftAuthenticator();
        var body = phone.Create(await SoftAuthenticator.OptionsAsync(client, "registration"));
        var answer = await app.EndedMeanwhileAsync(
            user, client => client.PostAsJsonAsync(SoftAuthenticator.RegistrationPath, body, Cancellation));
        await answer.ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        (await app.QueryAsync(db => db.Passkeys.AnyAsync(p => p.UserId == user.Id, Cancellation))).ShouldBeFalse();
    }

    [Fact]
    public async Task Malformed_members_are_refused_by_name()
    {
        using var client = app.ClientFor(await app.CreateUserAsync());
        using var phone = new SoftAuthenticator();
        var options = await SoftAuthenticator.OptionsAsync(client, "registration");
        foreach (var break_ in new Action<JsonObject>[]
        {
            c => c.Remove("response"), c => c["response"] = new JsonObject(), c => c["type"] = "password", c => c["id"] = "AAAA",
            c => c["rawId"] = c["id"] + "=", c => c["response"]!["clientDataJSON"] = "AA AA",
            c => c["response"]!["clientDataJSON"] = Base64Url.EncodeToString("[]"u8),
            c => c["response"]!["clientDataJSON"] = Base64Url.EncodeToString("""{"type":"webauthn.create","type":"x"}"""u8),
            c => c["response"]!["attestationObject"] = new string('A', 30_000), c => c["response"]!["attestationObject"] = "A",
        })
        {
            var body = phone.Create(options);
            break_(body["credential"]!.AsObject());
            await (await SendAsync(client, body)).ShouldRefuseFieldsAsync("credential");
        }
        await (await SendAsync(client, new { name = "x" }))
            .ShouldRefuseFieldsAsync("credential");
        await (await SendAsync(client, phone.Create(options, "a\nb")))
            .ShouldRefuseFieldsAsync("name");
        await (await client.PostAsJsonAsync(SoftAuthenticator.RegistrationPath,
            phone.Create(options, new string('x', Passkey.NameMaxLength + 1)), Cancellation)).ShouldRefuseFieldsAsync("name");
        var twice = new StringContent("""{"credential":{"id":"AAAA","id":"AAAA"}}""", Encoding.UTF8, "application/json");
        await (await client.PostAsync(SoftAuthenticator.RegistrationPath, twice, Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.BadRequest);
        // None of these has spent the challenge.
        await (await SendAsync(client, phone.Create(options)))
            .ShouldBeAsync(HttpStatusCode.Created);
    }

    Task<HttpResponseMessage> SendAsync(HttpClient client, object body) =>
        client.PostAsJsonAsync(SoftAuthenticator.RegistrationPath, body, Cancellation);
}
