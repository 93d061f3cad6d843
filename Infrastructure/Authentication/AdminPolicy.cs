using Microsoft.AspNetCore.Authorization.Policy;
using Profiles.Infrastructure.Admin;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Logging;

namespace Profiles.Infrastructure.Authentication;

/// <summary>Evaluates the policy of the routes of the admin API: the request has an admin key (RFC 6750) with the route's scope.</summary>
static class AdminPolicy
{
    const string Scheme = "Bearer", Prefix = $"{Scheme} ";

    public static async Task<PolicyAuthorizationResult> AuthorizeAsync(HttpContext context, string scope)
    {
        if (context.Request.Headers.Authorization is not [{ } header] || !header.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase)
            || await context.RequestServices.GetRequiredService<AdminKeys>().FindAsync(header[Prefix.Length..], context.RequestAborted)
                is not { } key)
            return PolicyAuthorizationResult.Challenge();
        context.Features.Set(new RequestKey(key.Name));
        return key.Has(scope) ? PolicyAuthorizationResult.Success() : PolicyAuthorizationResult.Forbid();
    }

    public static Task RefuseAsync(HttpContext context, PolicyAuthorizationResult result, string scope)
    {
        context.Response.Headers.WWWAuthenticate = result.Challenged ? Scheme : $"{Scheme} error=\"insufficient_scope\", scope=\"{scope}\"";
        return Problems.Of(result.Challenged ? ErrorCodes.InvalidAdminKey : ErrorCodes.InsufficientScope).ExecuteAsync(context);
    }
}
