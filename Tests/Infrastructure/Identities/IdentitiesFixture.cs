using System.Net.Http.Json;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Hosting;
using Microsoft.EntityFrameworkCore;

namespace Profiles.Tests.Infrastructure.Identities;

/// <summary>A token of a person at an issuer, with the nonce that an app sends with it.</summary>
sealed record IdToken(string Provider, string Subject, string Token, string Nonce);

/// <summary>
/// The service with Google, Apple and two other issuers on loopback: <c>company</c>, whose addresses it believes, and <c>elsewhere</c>.
/// </summary>
public class IdentitiesFixture : ProfilesFixture
{
    internal static readonly ECDsa AppleKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    static readonly Dictionary<Type, IssuerServer> Issuers = [];

    internal IssuerServer Issuer => Issuers[GetType()];

    protected override async ValueTask PreSetupAsync() => Issuers[GetType()] = await IssuerServer.StartAsync();

    protected override void ConfigureApp(IWebHostBuilder a)
    {
        base.ConfigureApp(a);
        var keyFile = Path.Combine(TemporaryDirectory.Make("apple"), "key.p8");
        File.WriteAllText(keyFile, AppleKey.ExportPkcs8PrivateKeyPem());
        a.UseSetting("Identities:Google:Issuer", Issuer.AddressOf("google"));
        a.UseSetting("Identities:Google:Audiences:0", IssuerServer.Audience);
        a.UseSetting("Identities:Google:Audiences:1", IssuerServer.SecondAudience);
        a.UseSetting("Identities:Apple:Issuer", Issuer.AddressOf("apple"));
        a.UseSetting("Identities:Apple:Audiences", $"{IssuerServer.Audience}, {IssuerServer.SecondAudience}");
        a.UseSetting("Identities:Apple:TeamId", "TEAM123456");
        a.UseSetting("Identities:Apple:KeyId", "KEY1234567");
        a.UseSetting("Identities:Apple:PrivateKeyFile", keyFile);
        foreach (var name in new[] { "company", "elsewhere" })
        {
            a.UseSetting($"Identities:Providers:{name}:Issuer", Issuer.AddressOf(name));
            a.UseSetting($"Identities:Providers:{name}:Audiences:0", IssuerServer.Audience);
        }
        a.UseSetting("Identities:Providers:company:TrustsEmail", "true");
        a.UseSetting("Identities:Providers:off:Issuer", Issuer.AddressOf("off"));
        a.UseSetting("Jwt:KeyEncryptionKey", "a key that encrypts secrets in tests only");
    }

    /// <summary>A token as the provider's SDK gives it to an app, for a new person unless one is named.</summary>
    internal IdToken TokenOf(string provider, string? subject = null, params (string Name, object? Value)[] changed)
    {
        var (person, nonce) = (subject ?? Guid.NewGuid().ToString("N"), Guid.NewGuid().ToString("N"));
        var claims = Issuer.Claims(provider, person, NonceFor(provider, nonce), Clock.GetUtcNow(), changed);
        return new(provider, person, Issuer.Sign(provider, claims), nonce);
    }

    /// <summary>The claim that a provider makes of an app's nonce.</summary>
    internal static string NonceFor(string provider, string nonce) => provider == "apple"
        ? Convert.ToHexStringLower(SHA256.HashData(System.Text.Encoding.ASCII.GetBytes(nonce))) : nonce;

    internal Task<HttpResponseMessage> LogInAsync(IdToken token, string? name = null, string? code = null, string? device = null) =>
        Client.PostAsJsonAsync("/login/id-token", new
        {
            provider = token.Provider,
            id_token = token.Token,
            nonce = token.Nonce,
            name,
            device,
            authorization_code = code,
        });

    internal Task<HttpResponseMessage> LinkAsync(TestUser user, IdToken token, string? code = null) =>
        ClientFor(user).PostAsJsonAsync(
            "/me/identities", new { provider = token.Provider, id_token = token.Token, nonce = token.Nonce, authorization_code = code });

    /// <summary>The user of a login's answer.</summary>
    internal async Task<TestUser> UserOfAsync(HttpResponseMessage answer)
    {
        var tokens = await answer.ShouldBeAsync(System.Net.HttpStatusCode.OK);
        var user = new TestUser(0, "", "", "", tokens.GetProperty("access_token").GetString()!);
        using var client = ClientFor(user);
        var me = await (await client.GetAsync("/me")).ShouldBeAsync(System.Net.HttpStatusCode.OK);
        return user with
        {
            Id = me.GetProperty("id").GetInt64(),
            Name = me.GetProperty("name").GetString()!,
            Email = me.GetProperty("email").GetString()!,
        };
    }

    /// <summary>Registers a user whose address is verified.</summary>
    internal async Task<TestUser> CreateVerifiedUserAsync(string? domain = null)
    {
        var user = await CreateUserAsync();
        var email = domain is null ? user.Email : user.Email.Replace("example.com", domain, StringComparison.Ordinal);
        await QueryAsync(db => db.Users.Where(u => u.Id == user.Id).ExecuteUpdateAsync(u => u
            .SetProperty(x => x.Email, email).SetProperty(x => x.NormalizedEmail, email)
            .SetProperty(x => x.EmailVerifiedAt, Clock.GetUtcNow().UtcDateTime)));
        return user with { Email = email };
    }
}
