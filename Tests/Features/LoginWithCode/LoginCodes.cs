using System.Net;
using System.Net.Http.Json;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;

namespace Profiles.Tests.Features.LoginWithCode;

/// <summary>A code that was asked for, and what its mail says.</summary>
sealed record LoginCode(string Email, string RequestToken, string Digits)
{
    /// <summary>Other digits.</summary>
    public string Wrong => Digits == "000000" ? "000001" : "000000";

    public LoginCode With(string digits) => this with { Digits = digits };
}

/// <summary>Asks for codes to log in, and uses them.</summary>
static class LoginCodes
{
    public const string Subject = "Your code to log in";

    public static string Fresh() => $"person-{Guid.NewGuid():N}@example.com";

    /// <summary>Asks for a code and waits for its mail, the given one of this subject.</summary>
    public static async Task<LoginCode> CodeAsync(this ProfilesFixture app, string email, int count = 1, HttpClient? client = null)
    {
        var body = await (await (client ?? app.Client).PostAsJsonAsync("/login/code", new { email }))
            .ShouldBeAsync(HttpStatusCode.Accepted);
        return new(email, body.GetProperty("request_token").GetString()!, (await app.MailAsync(email, Subject, count)).Digits);
    }

    public static Task<HttpResponseMessage> UseAsync(
        this ProfilesFixture app, LoginCode code, string? device = null, string? name = null, string? trace = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/login/code/verify")
        {
            Content = JsonContent.Create(new { request_token = code.RequestToken, email = code.Email, code = code.Digits, device, name }),
        };
        if (trace is not null)
            request.Headers.Add("X-Test-Trace", trace);
        return app.Client.SendAsync(request, TestContext.Current.CancellationToken);
    }

    /// <summary>Marks the address of a user as verified, which the mail of the registration would do.</summary>
    public static Task<int> VerifyAsync(this ProfilesFixture app, TestUser user) => app.QueryAsync(db =>
        db.Users.Where(u => u.Id == user.Id)
            .ExecuteUpdateAsync(u => u.SetProperty(x => x.EmailVerifiedAt, app.Clock.GetUtcNow().UtcDateTime)));

    /// <summary>Gives a user an identity, a passkey and a second factor with a recovery code and a challenge.</summary>
    public static Task<int> AddWaysInAsync(this ProfilesFixture app, TestUser user) => app.QueryAsync(db =>
    {
        var (now, unique) = (app.Clock.GetUtcNow().UtcDateTime, Guid.NewGuid());
        db.Identities.Add(new() { UserId = user.Id, Provider = "google", Subject = $"{unique}", CreatedAt = now });
        db.Passkeys.Add(new()
        {
            UserId = user.Id,
            CredentialId = unique.ToByteArray(),
            UserHandle = new byte[Passkey.UserHandleLength],
            PublicKey = [1],
            SignCount = 0,
            Aaguid = Guid.Empty,
            Transports = "internal",
            IsBackupEligible = true,
            IsBackedUp = true,
            Name = "Phone",
            CreatedAt = now,
        });
        db.SecondFactors.Add(new() { UserId = user.Id, Secret = "JBSWY3DPEHPK3PXP", ConfirmedAt = now });
        db.RecoveryCodes.Add(new() { UserId = user.Id, CodeHash = [.. unique.ToByteArray(), .. unique.ToByteArray()] });
        db.Challenges.Add(new()
        {
            Hash = [.. unique.ToByteArray(), .. unique.ToByteArray()],
            Kind = ChallengeKind.SecondFactor,
            UserId = user.Id,
            Data = "{}",
            ExpiresAt = now + Challenge.Lifetime,
        });
        return db.SaveChangesAsync();
    });

    /// <summary>How many identities, passkeys, second factors, recovery codes and challenges a user has.</summary>
    public static Task<int> CountWaysInAsync(this ProfilesFixture app, TestUser user) => app.QueryAsync(async db =>
        await db.Identities.CountAsync(i => i.UserId == user.Id) + await db.Passkeys.CountAsync(p => p.UserId == user.Id)
        + await db.SecondFactors.CountAsync(f => f.UserId == user.Id) + await db.RecoveryCodes.CountAsync(c => c.UserId == user.Id)
        + await db.Challenges.CountAsync(c => c.UserId == user.Id));

    public static Task<List<SecurityEventKind>> EventsAsync(this ProfilesFixture app, long userId) => app.QueryAsync(db =>
        db.SecurityEvents.Where(e => e.UserId == userId && e.Kind != SecurityEventKind.LoginFailed).OrderBy(e => e.Id)
            .Select(e => e.Kind).ToListAsync());
}
