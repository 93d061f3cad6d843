using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;
using Profiles.Data;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Logging;

namespace Profiles.Infrastructure.Authentication;

/// <summary>The policy of every route that is not anonymous: the token is valid, and its user and session still exist.</summary>
sealed class ExistingUser : IAuthorizationRequirement
{
    public const string Policy = nameof(ExistingUser);
}

/// <summary>Checks <see cref="ExistingUser"/> with one read, whose result the slice uses too.</summary>
sealed class ExistingUserHandler(DatabaseEngine database, CurrentUser current) : AuthorizationHandler<ExistingUser>
{
    protected override async Task HandleRequirementAsync(AuthorizationHandlerContext context, ExistingUser requirement)
    {
        if (context.Resource is not HttpContext http)
            return;
        // No route, or routing's own 405 or 415: there is nothing to protect, and a 401 would hide the answer.
        if (http.GetEndpoint() is not RouteEndpoint)
        {
            context.Succeed(requirement);
            return;
        }
        if (context.User.Identity is not TokenIdentity { Token: var (id, sessionId) })
            return;
        if (await database.FindUserAsync(id, sessionId, http.RequestAborted) is not var (user, device))
            return;
        (current.User, current.SessionId, current.Device) = (user, sessionId, device);
        http.Features.Set(new RequestUser(id));
        context.Succeed(requirement);
    }
}

/// <summary>Answers 401 where ASP.NET Core would answer 403: the token of a deleted user is invalid.</summary>
sealed class UnauthorizedRatherThanForbidden : IAuthorizationMiddlewareResultHandler
{
    readonly AuthorizationMiddlewareResultHandler inner = new();

    public Task HandleAsync(
        RequestDelegate next, HttpContext context, AuthorizationPolicy policy, PolicyAuthorizationResult authorizeResult)
    {
        if (!authorizeResult.Forbidden)
            return inner.HandleAsync(next, context, policy, authorizeResult);
        context.Response.StatusCode = StatusCodes.Status401Unauthorized;
        context.Response.Headers.WWWAuthenticate = BearerHandler.InvalidToken;
        return Task.CompletedTask;
    }
}
