using FastEndpoints;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Admin;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Limits;
using Profiles.Infrastructure.Logging;
using Profiles.Infrastructure.Tokens;

namespace Profiles.Features.IntrospectToken;

/// <summary>
/// Tells another service whether an access token is valid now (RFC 7662): unlike the keys it also knows ended sessions and disabled users.
/// The caller has an admin key. An invalid token's answer says nothing about why.
/// </summary>
sealed class IntrospectTokenEndpoint(
    AdminKeys keys, RouteLimits limits, AccessTokens tokens, DatabaseEngine database, IOptions<JwtOptions> jwt)
    : EndpointWithoutRequest<Results<Ok<IntrospectTokenResponse>, ProblemHttpResult>>
{
    // Longer than any token; further fields are ignored.
    static readonly FormOptions Limits = new() { ValueCountLimit = 10, KeyLengthLimit = 100, ValueLengthLimit = 8192 };

    public override void Configure()
    {
        Post("/token/introspect");
        // No user calls it; the admin key is checked here.
        AllowAnonymous();
        // For other services, which know it from the standard; the API document is for apps.
        Description(d => d.Accepts<IFormCollection>("application/x-www-form-urlencoded").ExcludeFromDescription());
    }

    public override async Task<Results<Ok<IntrospectTokenResponse>, ProblemHttpResult>> ExecuteAsync(CancellationToken ct)
    {
        if (IntrospectTokenCredentials.Read(HttpContext.Request.Headers.Authorization) is not { } sent)
            return InvalidKey(null);
        // Not the limit of the admin API: everybody reaches this route.
        var network = ClientNetwork.ForLimits(HttpContext);
        if (limits.Refusal(Limit.IntrospectionFailures, network) is { } wait)
            throw new RateLimitedException(wait);
        if (await keys.FindAsync(sent.Key, ct) is not { } key || !sent.IsNamed(key.Name))
        {
            await limits.TakeAsync(Limit.IntrospectionFailures, network, ct);
            return InvalidKey(sent);
        }
        HttpContext.Features.Set(new RequestKey(key.Name));
        if (!key.Has(AdminScopes.TokensIntrospect))
        {
            HttpContext.Response.Headers.WWWAuthenticate = $"Bearer error=\"insufficient_scope\", scope=\"{AdminScopes.TokensIntrospect}\"";
            return Problems.Of(ErrorCodes.InsufficientScope);
        }
        if (await ReadAsync(ct) is not { } text)
            return Problems.Of(ErrorCodes.MalformedRequest, "Send the token once, as the form's field token.");
        return TypedResults.Ok(await tokens.VerifyAsync(text.AsMemory(), ct) is { } token
            && await database.FindUserAsync(token.UserId, token.SessionId, ct) is not null
                ? IntrospectTokenResponse.Of(token, jwt.Value)
                : new() { Active = false });
    }

    ProblemHttpResult InvalidKey(IntrospectTokenCredentials? sent)
    {
        HttpContext.Response.Headers.WWWAuthenticate = IntrospectTokenCredentials.Challenge(sent);
        return Problems.Of(ErrorCodes.InvalidAdminKey);
    }

    async Task<string?> ReadAsync(CancellationToken ct)
    {
        try
        {
            return (await HttpContext.Request.ReadFormAsync(Limits, ct))["token"] is [{ Length: > 0 } token] ? token : null;
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }
}
