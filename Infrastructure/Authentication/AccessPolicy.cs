using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Infrastructure;
using Microsoft.AspNetCore.Authorization.Policy;
using Profiles.Data;
using Profiles.Infrastructure.Admin;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Logging;
using Profiles.Infrastructure.Tokens;

namespace Profiles.Infrastructure.Authentication;

/// <summary>
/// Evaluates the policy of every route that is not anonymous: the request has a valid access token (RFC 6750), and the token's user and
/// session still exist. One read decides, whose result the slice uses too.
/// </summary>
// In place of the framework's evaluator, which looks up a scheme, its handler, the requirements and their handlers for each request.
sealed class AccessPolicy(AccessTokens tokens, DatabaseEngine database) : IPolicyEvaluator, IAuthorizationMiddlewareResultHandler
{
    public const string Name = "ExistingUser";

    const string Scheme = "Bearer", Prefix = $"{Scheme} ", InvalidToken = $"{Scheme} error=\"invalid_token\"";

    static readonly Task<AuthenticateResult> NotYet = Task.FromResult(AuthenticateResult.NoResult());

    /// <summary>Called for anonymous routes as well, which need no token.</summary>
    public Task<AuthenticateResult> AuthenticateAsync(AuthorizationPolicy policy, HttpContext context) => NotYet;

    public async Task<PolicyAuthorizationResult> AuthorizeAsync(
        AuthorizationPolicy policy, AuthenticateResult authenticationResult, HttpContext context, object? resource)
    {
        foreach (var requirement in policy.Requirements)
        {
            if (requirement is not DenyAnonymousAuthorizationRequirement)
                throw new NotSupportedException($"No policy but {Name} is evaluated.");
        }
        // No route, or routing's own 405 or 415: there is nothing to protect, and a 401 would hide the answer.
        if (context.GetEndpoint() is not RouteEndpoint route)
            return PolicyAuthorizationResult.Success();
        if (route.Metadata.GetMetadata<AdminEndpointAttribute>() is { } admin)
            return await AdminPolicy.AuthorizeAsync(context, admin.Scope);
        return await IdentifyAsync(context) switch
        {
            null => PolicyAuthorizationResult.Success(),
            Scheme => PolicyAuthorizationResult.Challenge(),
            _ => PolicyAuthorizationResult.Forbid(),
        };
    }

    /// <summary>
    /// Finds out who the caller is, for <see cref="CurrentUser"/>. Returns null, or the challenge of a request without a valid token.
    /// </summary>
    public async Task<string?> IdentifyAsync(HttpContext context)
    {
        var headers = context.Request.Headers.Authorization;
        if (headers.Count == 0 || (headers is [var header] && !HasToken(header)))
            return Scheme;
        if (headers is not [{ } one]
            || await tokens.VerifyAsync(one.AsMemory(Prefix.Length), context.RequestAborted) is not { } token
            || await database.FindUserAsync(token.UserId, token.SessionId, context.RequestAborted) is not var (user, device))
            return InvalidToken;
        var current = context.RequestServices.GetRequiredService<CurrentUser>();
        (current.User, current.SessionId, current.Device) = (user, token.SessionId, device);
        context.Features.Set(new RequestUser(token.UserId));
        return null;
    }

    // A missing token gets a challenge without an error (RFC 6750, 3.1). A refused one, also that of a deleted user, is 401 and not 403.
    public Task HandleAsync(
        RequestDelegate next, HttpContext context, AuthorizationPolicy policy, PolicyAuthorizationResult authorizeResult)
    {
        if (authorizeResult.Succeeded)
            return next(context);
        if (context.GetEndpoint()?.Metadata.GetMetadata<AdminEndpointAttribute>() is { } admin)
            return AdminPolicy.RefuseAsync(context, authorizeResult, admin.Scope);
        context.Response.StatusCode = StatusCodes.Status401Unauthorized;
        context.Response.Headers.WWWAuthenticate = authorizeResult.Challenged ? Scheme : InvalidToken;
        return Task.CompletedTask;
    }

    static bool HasToken(string? header) =>
        header is not null && header.Length > Prefix.Length && header.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase);
}
