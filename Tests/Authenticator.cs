using System.Buffers.Binary;
using System.Buffers.Text;
using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;

namespace Profiles.Tests;

/// <summary>A user whose logins take a code.</summary>
public sealed record EnrolledUser(TestUser User, string Secret, string[] RecoveryCodes);

/// <summary>An authenticator app, and what a client does with its codes.</summary>
static class Authenticator
{
    const int Period = 30;

    /// <summary>Registers a user whose logins take a code from now on.</summary>
    public static async Task<EnrolledUser> CreateEnrolledAsync(this ProfilesFixture app) =>
        await app.EnrolAsync(await app.CreateUserAsync());

    /// <summary>Adds an authenticator app in the user's session.</summary>
    public static async Task<EnrolledUser> EnrolAsync(this ProfilesFixture app, TestUser user)
    {
        using var client = app.ClientFor(user);
        var secret = (await (await client.PostAsync("/me/mfa/totp", null)).ShouldBeAsync(HttpStatusCode.OK))
            .GetProperty("secret").GetString()!;
        var confirmed = await client.PostAsJsonAsync("/me/mfa/totp/confirm", new { code = Code(secret, app.Clock.GetUtcNow()) });
        var codes = (await confirmed.ShouldBeAsync(HttpStatusCode.OK)).GetProperty("recovery_codes");
        return new(user, secret, [.. codes.EnumerateArray().Select(c => c.GetString()!)]);
    }

    /// <summary>A code that the service accepts: a test need not wait for the next half minute.</summary>
    public static async Task<string> CodeAsync(this ProfilesFixture app, EnrolledUser enrolled)
    {
        await app.QueryAsync(db => db.SecondFactors.Where(f => f.UserId == enrolled.User.Id)
            .ExecuteUpdateAsync(f => f.SetProperty(x => x.LastStep, (long?)null)));
        return Code(enrolled.Secret, app.Clock.GetUtcNow());
    }

    /// <summary>A code of no step near the present one.</summary>
    public static string WrongCode(this ProfilesFixture app, EnrolledUser enrolled)
    {
        var near = Enumerable.Range(-3, 7).Select(i => Code(enrolled.Secret, app.Clock.GetUtcNow().AddSeconds(i * Period))).ToArray();
        return Enumerable.Range(0, 10).Select(i => $"{i}{i}{i}{i}{i}{i}").First(c => !near.Contains(c));
    }

    /// <summary>Logs in with the password, and returns the token that the second factor is sent with.</summary>
    public static async Task<string> MfaTokenAsync(
        this ProfilesFixture app, TestUser user, string? device = null, HttpClient? client = null)
    {
        var login = await (client ?? app.Client).PostAsJsonAsync("/login", new { email = user.Email, password = user.Password, device });
        var refusal = await login.ShouldBeProblemAsync(HttpStatusCode.Forbidden);
        refusal.GetProperty("code").GetString().ShouldBe("mfa_required");
        return refusal.GetProperty("mfa_token").GetString()!;
    }

    /// <summary>Sends a code of the app after a login with the password.</summary>
    public static Task<HttpResponseMessage> SendCodeAsync(this ProfilesFixture app, string mfaToken, string code) =>
        app.Client.PostAsJsonAsync("/login/mfa", new { mfa_token = mfaToken, code });

    /// <summary>Starts another session with both factors.</summary>
    public static async Task<TestUser> LogInAsync(this ProfilesFixture app, EnrolledUser enrolled)
    {
        var answer = await app.SendCodeAsync(await app.MfaTokenAsync(enrolled.User), await app.CodeAsync(enrolled));
        var tokens = await answer.ShouldBeAsync(HttpStatusCode.OK);
        return enrolled.User with
        {
            Token = tokens.GetProperty("access_token").GetString()!,
            RefreshToken = tokens.GetProperty("refresh_token").GetString()!,
        };
    }

    /// <summary>Makes a session as old as this, as far as its login is concerned.</summary>
    public static Task<int> AgeAsync(this ProfilesFixture app, TestUser user, TimeSpan age)
    {
        var then = app.Clock.GetUtcNow().UtcDateTime - age;
        return app.QueryAsync(db => db.Sessions.Where(s => s.Id == user.SessionId)
            .ExecuteUpdateAsync(s => s.SetProperty(x => x.AuthenticatedAt, then)));
    }

    /// <summary>The <c>amr</c> of an access token.</summary>
    public static string?[] MethodsOf(JsonElement tokens)
    {
        using var claims = JsonDocument.Parse(Base64Url.DecodeFromChars(tokens.GetProperty("access_token").GetString()!.Split('.')[1]));
        return [.. claims.RootElement.GetProperty("amr").EnumerateArray().Select(m => m.GetString())];
    }

    /// <summary>The security events of a user, the earliest first.</summary>
    public static Task<List<SecurityEventKind>> EventsAsync(this ProfilesFixture app, TestUser user) => app.QueryAsync(
        db => db.SecurityEvents.Where(e => e.UserId == user.Id).OrderBy(e => e.Id).Select(e => e.Kind).ToListAsync());

    /// <summary>RFC 6238, written out: the service's library is not to judge itself.</summary>
    public static string Code(string base32, DateTimeOffset at)
    {
        var counter = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(counter, at.ToUnixTimeSeconds() / Period);
        var hash = CryptographicOperations.HmacData(HashAlgorithmName.SHA1, Bytes(base32), counter);
        var number = BinaryPrimitives.ReadInt32BigEndian(hash.AsSpan(hash[^1] & 0xf)) & int.MaxValue;
        return $"{number % 1_000_000:D6}";
    }

    // RFC 4648.
    static byte[] Bytes(string base32)
    {
        var bits = string.Concat(base32.Select(c => Convert.ToString("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".IndexOf(c), 2).PadLeft(5, '0')));
        return [.. bits.Chunk(8).Where(b => b.Length == 8).Select(b => Convert.ToByte(new string(b), 2))];
    }
}
