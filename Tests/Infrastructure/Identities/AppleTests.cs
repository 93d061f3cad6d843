using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Profiles.Data;
using Profiles.Infrastructure.Identities;
using Profiles.Infrastructure.Outbox;

namespace Profiles.Tests.Infrastructure.Identities;

/// <summary>The service of these tests alone, which move its clock and count its calls of Apple.</summary>
public sealed class AppleFixture : IdentitiesFixture;

/// <summary>Apple's codes become refresh tokens, and those are revoked when identity or account goes.</summary>
public sealed class AppleTests(AppleFixture app) : TestBase<AppleFixture>
{
    static readonly TimeSpan Longest = TimeSpan.FromSeconds(60);

    readonly string subject = $"{Guid.NewGuid():N}", code = $"c{Guid.NewGuid():N}.0.mr_t-w", refresh = $"r{Guid.NewGuid():N}";

    protected override ValueTask TearDownAsync()
    {
        app.Clock.Reset();
        app.Issuer.On.Clear();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task A_code_becomes_a_token_that_the_deletion_revokes()
    {
        var user = await StartAsync();
        await DoneAsync(user.Id);
        var exchange = Calls("token").Single();
        (exchange["grant_type"], exchange["code"], exchange["client_id"]).ShouldBe(("authorization_code", code, IssuerServer.Audience));
        await ShouldBeSecretAsync(exchange["client_secret"]);
        var stored = await app.QueryAsync(db => db.Identities.Where(i => i.UserId == user.Id).Select(i => i.RefreshToken).SingleAsync());
        stored!.ShouldStartWith("aes256gcm:");

        // Apple does not answer at first; the account is gone already.
        app.Issuer.On["/apple/auth/revoke"] = (call, _) => Task.FromResult(call.Response.StatusCode = 503);
        using var client = app.ClientFor(user);
        await DeleteAsync(user);
        (await app.QueryAsync(db => db.Users.AnyAsync(u => u.Id == user.Id))).ShouldBeFalse();
        await UntilAsync(db => db.Outbox.AnyAsync(e => e.UserId == user.Id && e.Attempts > 0));
        (await app.QueryAsync(db => db.Outbox.SingleAsync(e => e.UserId == user.Id))).Payload!.ShouldNotContain(refresh);
        app.Issuer.On.Clear();
        app.Clock.Advance(TimeSpan.FromMinutes(1));
        await DoneAsync(user.Id);
        var revocation = Calls("revoke").Last();
        (revocation["token"], revocation["token_type_hint"], revocation["client_id"])
            .ShouldBe((refresh, "refresh_token", IssuerServer.Audience));
        await ShouldBeSecretAsync(revocation["client_secret"]);
    }

    [Fact]
    public async Task An_identity_that_is_removed_is_revoked()
    {
        var user = await app.CreateUserAsync();
        app.Issuer.Codes[code] = (refresh, subject);
        var added = await (await app.LinkAsync(user, app.TokenOf("apple", subject), code)).ShouldBeAsync(HttpStatusCode.Created);
        await DoneAsync(user.Id);
        using var client = app.ClientFor(user);
        await (await client.DeleteAsync($"/me/identities/{added.GetProperty("id").GetInt64()}", Cancellation))
            .ShouldBeAsync(HttpStatusCode.OK);
        await DoneAsync(user.Id);
        Calls("revoke").ShouldContain(f => f["token"] == refresh);
    }

    [Fact]
    public async Task A_strangers_identity_is_revoked_when_the_owner_of_the_address_comes()
    {
        var stranger = await app.CreateUserAsync();
        app.Issuer.Codes[code] = (refresh, subject);
        await (await app.LinkAsync(stranger, app.TokenOf("apple", subject), code)).ShouldBeAsync(HttpStatusCode.Created);
        await DoneAsync(stranger.Id);
        await (await app.Client.PostAsJsonAsync("/password/forgot", new { email = stranger.Email }, Cancellation))
            .ShouldBeAsync(HttpStatusCode.Accepted);
        var token = (await app.MailAsync(stranger.Email, "Set a new password")).Token;
        await (await app.Client.PostAsJsonAsync(
            "/password/reset", new { token, new_password = "another horse battery staple" }, Cancellation))
            .ShouldBeAsync(HttpStatusCode.OK);
        await DoneAsync(stranger.Id);
        Calls("revoke").ShouldContain(f => f["token"] == refresh);
        (await app.UserOfAsync(await app.LogInAsync(app.TokenOf("apple", subject)))).Id.ShouldNotBe(stranger.Id);
    }

    [Fact]
    public async Task An_account_that_goes_before_the_exchange_is_revoked_after_it()
    {
        app.Issuer.On["/apple/auth/token"] = (call, _) => Task.FromResult(call.Response.StatusCode = 500);
        var user = await StartAsync();
        await UntilAsync(db => db.Outbox.AnyAsync(e => e.UserId == user.Id && e.Attempts > 0));
        await DeleteAsync(user);
        // Apple answers now, but not the revocation, which is tried beyond the life of a code.
        app.Issuer.On.Clear();
        app.Issuer.On["/apple/auth/revoke"] = (call, _) => Task.FromResult(call.Response.StatusCode = 503);
        app.Clock.Advance(TimeSpan.FromMinutes(1));
        await UntilAsync(db => db.Outbox.AnyAsync(e => e.UserId == user.Id && e.Key == "revocation" && e.Attempts > 1));
        app.Clock.Advance(AppleHandler.CodeLifetime);
        app.Issuer.On.Clear();
        app.Clock.Advance(TimeSpan.FromMinutes(1));
        await DoneAsync(user.Id);
        Calls("revoke").ShouldContain(f => f["token"] == refresh);
    }

    [Fact]
    public async Task A_code_that_is_spent_or_somebody_elses_or_too_old_is_dropped()
    {
        var spent = await StartAsync(isKnown: false);
        await DoneAsync(spent.Id);
        var (other, foreign) = ($"{Guid.NewGuid():N}", $"c{Guid.NewGuid():N}");
        app.Issuer.Codes[foreign] = (refresh, "somebody else");
        var thief = await app.UserOfAsync(await app.LogInAsync(app.TokenOf("apple", other), code: foreign));
        await DoneAsync(thief.Id);
        app.Issuer.On["/apple/auth/token"] = (call, ct) => call.Response.WriteAsync("{\"refresh_token\":5}", ct);
        var late = await app.UserOfAsync(await app.LogInAsync(app.TokenOf("apple"), code: $"c{Guid.NewGuid():N}"));
        await UntilAsync(db => db.Outbox.AnyAsync(e => e.UserId == late.Id && e.Attempts > 0));
        app.Clock.Advance(AppleHandler.CodeLifetime + TimeSpan.FromMinutes(1));
        await DoneAsync(late.Id);
        long[] users = [spent.Id, thief.Id, late.Id];
        (await app.QueryAsync(db => db.Identities.CountAsync(i => users.Contains(i.UserId) && i.RefreshToken != null))).ShouldBe(0);
    }

    [Theory]
    [InlineData("exchange", 1)]
    [InlineData("revocation", 31)]
    public async Task Old_work_that_cannot_be_opened_any_more_is_given_up(string key, int days)
    {
        var user = await app.CreateUserAsync();
        await app.QueryAsync(db =>
        {
            db.Outbox.Add(new()
            {
                Store = OutboxStore.Apple,
                State = OutboxState.Settling,
                UserId = user.Id,
                Key = key,
                // As it is after another Jwt:KeyEncryptionKey.
                Payload = "aes256gcm:AAAA",
                CreatedAt = app.Clock.GetUtcNow().UtcDateTime.AddDays(-days),
                DueAt = app.Clock.GetUtcNow().UtcDateTime,
            });
            return db.SaveChangesAsync(Cancellation);
        });
        await DoneAsync(user.Id);
    }

    async Task<TestUser> StartAsync(bool isKnown = true)
    {
        if (isKnown)
            app.Issuer.Codes[code] = (refresh, subject);
        return await app.UserOfAsync(await app.LogInAsync(app.TokenOf("apple", subject), code: code));
    }

    // An account without a password is deleted by its operator here.
    async Task DeleteAsync(TestUser user) => (await app.RunAsync("users", "delete", $"{user.Id}", "--yes")).ExitCode.ShouldBe(0);

    IEnumerable<IReadOnlyDictionary<string, string>> Calls(string action) => app.Issuer.AppleCalls
        .Where(c => c.Path == $"/apple/auth/{action}")
        .Where(c => c.Form.GetValueOrDefault("code") == code || c.Form.GetValueOrDefault("token") == refresh)
        .Select(c => c.Form);

    Task DoneAsync(long userId) =>
        UntilAsync(async db => !await db.Outbox.AnyAsync(e => e.Store == OutboxStore.Apple && e.UserId == userId));

    async Task UntilAsync(Func<ProfilesDbContext, Task<bool>> holds)
    {
        var start = Stopwatch.GetTimestamp();
        while (!await app.QueryAsync(holds))
        {
            Stopwatch.GetElapsedTime(start).ShouldBeLessThan(Longest);
            app.Services.GetRequiredService<OutboxSignal>().Wake();
            await Task.Delay(50, Cancellation);
        }
    }

    async Task ShouldBeSecretAsync(string secret)
    {
        var result = await new JsonWebTokenHandler().ValidateTokenAsync(secret, new()
        {
            IssuerSigningKey = new ECDsaSecurityKey(IdentitiesFixture.AppleKey) { KeyId = "KEY1234567" },
            ValidAlgorithms = [SecurityAlgorithms.EcdsaSha256],
            ValidIssuer = "TEAM123456",
            ValidAudience = app.Issuer.AddressOf("apple"),
            ClockSkew = TimeSpan.FromHours(1),
        });
        result.Exception.ShouldBeNull();
        var token = (JsonWebToken)result.SecurityToken;
        (token.Subject, token.Kid).ShouldBe((IssuerServer.Audience, "KEY1234567"));
    }
}
