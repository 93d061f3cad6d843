using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Profiles.Tests.Infrastructure.Identities;

/// <summary>A form that Apple's endpoints were sent.</summary>
sealed record AppleCall(string Path, IReadOnlyDictionary<string, string> Form);

/// <summary>
/// OpenID Connect issuers on a loopback port, one for each first part of a path, with metadata and keys over HTTP; also Apple's endpoints.
/// They are honest unless told otherwise.
/// </summary>
sealed class IssuerServer : IAsyncDisposable
{
    public const string Audience = "com.example.app", SecondAudience = "web.example.com";

    static readonly JsonWebTokenHandler Writer = new() { SetDefaultTimesOnTokenCreation = false };

    readonly ConcurrentDictionary<string, SecurityKey[]> keys = new();
    readonly ConcurrentQueue<string> requests = new();
    readonly ConcurrentQueue<AppleCall> apple = new();
    readonly CancellationTokenSource end = new();
    readonly WebApplication server;

    IssuerServer()
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        server = builder.Build();
        server.Run(AnswerAsync);
    }

    /// <summary>What a path does in place of its regular answer; the token ends with the server.</summary>
    public ConcurrentDictionary<string, Func<HttpContext, CancellationToken, Task>> On { get; } = new();

    /// <summary>What Apple gives for a code: the refresh token, and whose it is. A code is good once.</summary>
    public ConcurrentDictionary<string, (string RefreshToken, string Subject)> Codes { get; } = new();

    public IReadOnlyList<AppleCall> AppleCalls => [.. apple];

    public static async Task<IssuerServer> StartAsync()
    {
        var issuer = new IssuerServer();
        await issuer.server.StartAsync();
        return issuer;
    }

    public string AddressOf(string issuer) => $"{server.Urls.Single()}/{issuer}";

    /// <summary>How often an issuer was asked for its keys.</summary>
    public int QuestionsTo(string issuer) => requests.Count(r => r == $"/{issuer}/keys");

    /// <summary>The key that signs for an issuer now.</summary>
    public SecurityKey KeyOf(string issuer) => keys.GetOrAdd(issuer, _ => [NewRsa(), NewEc()])[0];

    public SecurityKey SecondKeyOf(string issuer) => keys.GetOrAdd(issuer, _ => [NewRsa(), NewEc()])[1];

    /// <summary>Replaces the keys of an issuer.</summary>
    public void Rotate(string issuer) => keys[issuer] = [NewRsa(), NewEc()];

    public static RsaSecurityKey NewRsa() => new(RSA.Create(2048)) { KeyId = Guid.NewGuid().ToString("N") };

    public static ECDsaSecurityKey NewEc() => new(ECDsa.Create(ECCurve.NamedCurves.nistP256)) { KeyId = Guid.NewGuid().ToString("N") };

    /// <summary>The claims of a person at an issuer for a nonce; a claim of <paramref name="changed"/> that is null is left out.</summary>
    public Dictionary<string, object> Claims(
        string issuer, string subject, string nonce, DateTimeOffset now, params (string Name, object? Value)[] changed)
    {
        var claims = new Dictionary<string, object>
        {
            ["iss"] = AddressOf(issuer),
            ["aud"] = Audience,
            ["sub"] = subject,
            ["nonce"] = nonce,
            ["iat"] = now.ToUnixTimeSeconds(),
            ["exp"] = now.ToUnixTimeSeconds() + 600,
        };
        foreach (var (name, value) in changed)
        {
            if (value is null)
                claims.Remove(name);
            else
                claims[name] = value;
        }
        return claims;
    }

    public string Sign(string issuer, Dictionary<string, object> claims) => Sign(claims, KeyOf(issuer), SecurityAlgorithms.RsaSha256);

    public static string Sign(Dictionary<string, object> claims, SecurityKey key, string algorithm, string type = "JWT") =>
        Writer.CreateToken(new SecurityTokenDescriptor
        {
            Claims = claims,
            TokenType = type,
            SigningCredentials = new(key, algorithm),
        });

    /// <summary>A token with a header and a signature of one's own.</summary>
    public static string Forge(object header, Dictionary<string, object> claims, Func<byte[], byte[]> sign)
    {
        var signed = $"{Part(header)}.{Part(claims)}";
        return $"{signed}.{Base64UrlEncoder.Encode(sign(Encoding.ASCII.GetBytes(signed)))}";

        static string Part(object part) => Base64UrlEncoder.Encode(JsonSerializer.SerializeToUtf8Bytes(part));
    }

    public async ValueTask DisposeAsync()
    {
        await end.CancelAsync();
        await server.DisposeAsync();
        end.Dispose();
    }

    async Task AnswerAsync(HttpContext call)
    {
        var path = call.Request.Path.Value!;
        requests.Enqueue(path);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(call.RequestAborted, end.Token);
        try
        {
            if (On.TryGetValue(path, out var answers))
                await answers(call, either.Token);
            else
                await AnswerAsync(call, path.Split('/'));
        }
        catch (OperationCanceledException)
        {
            call.Abort();
        }
    }

    Task AnswerAsync(HttpContext call, string[] path) => path switch
    {
        [_, var issuer, ".well-known", "openid-configuration"] => call.Response.WriteAsJsonAsync(
            new Dictionary<string, object> { ["issuer"] = AddressOf(issuer), ["jwks_uri"] = $"{AddressOf(issuer)}/keys" }),
        [_, var issuer, "keys"] => call.Response.WriteAsync(KeySetOf(issuer)),
        [_, "apple", "auth", "token"] => ExchangeAsync(call),
        [_, "apple", "auth", "revoke"] => ReadAsync(call),
        _ => Task.FromResult(call.Response.StatusCode = StatusCodes.Status404NotFound),
    };

    string KeySetOf(string issuer)
    {
        _ = KeyOf(issuer);
        return JsonSerializer.Serialize(new { keys = keys[issuer].Select(Public) });
    }

    static Dictionary<string, string> Public(SecurityKey key)
    {
        var found = JsonWebKeyConverter.ConvertFromSecurityKey(key);
        return (key is RsaSecurityKey
            ? new Dictionary<string, string> { ["kty"] = "RSA", ["n"] = found.N, ["e"] = found.E }
            : new() { ["kty"] = "EC", ["crv"] = found.Crv, ["x"] = found.X, ["y"] = found.Y })
            .Append(new("kid", key.KeyId)).Append(new("use", "sig")).ToDictionary();
    }

    async Task<Dictionary<string, string>> ReadAsync(HttpContext call)
    {
        var form = (await call.Request.ReadFormAsync()).ToDictionary(f => f.Key, f => f.Value.ToString());
        apple.Enqueue(new(call.Request.Path.Value!, form));
        return form;
    }

    async Task ExchangeAsync(HttpContext call)
    {
        var form = await ReadAsync(call);
        if (!Codes.TryRemove(form["code"], out var grant))
        {
            call.Response.StatusCode = StatusCodes.Status400BadRequest;
            await call.Response.WriteAsJsonAsync(new { error = "invalid_grant" });
            return;
        }
        var claims = Claims("apple", grant.Subject, "", TimeProvider.System.GetUtcNow());
        await call.Response.WriteAsJsonAsync(
            new { access_token = "a", refresh_token = grant.RefreshToken, id_token = Sign("apple", claims), token_type = "Bearer" });
    }
}
