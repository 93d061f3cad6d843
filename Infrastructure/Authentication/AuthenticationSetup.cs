using System.Reflection;
using FastEndpoints;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Infrastructure;
using Microsoft.AspNetCore.Authorization.Policy;
using Profiles.Infrastructure.Admin;

namespace Profiles.Infrastructure.Authentication;

/// <summary>Registers authorization: every route needs an existing user's token unless it is anonymous.</summary>
static class AuthenticationSetup
{
    public static IServiceCollection AddAuth(this IServiceCollection services)
    {
        // Requirements that AccessPolicy stands for.
        var policy = new AuthorizationPolicyBuilder().AddRequirements(new DenyAnonymousAuthorizationRequirement()).Build();
        services.AddAuthorizationBuilder().AddPolicy(AccessPolicy.Name, policy).SetFallbackPolicy(policy);
        return services
            .AddSingleton<AccessPolicy>()
            .AddSingleton<IPolicyEvaluator>(provider => provider.GetRequiredService<AccessPolicy>())
            .AddSingleton<IAuthorizationMiddlewareResultHandler>(provider => provider.GetRequiredService<AccessPolicy>());
    }

    /// <summary>
    /// Requires an existing user for every endpoint that is not anonymous, and an admin key in place of one for those of the admin API.
    /// </summary>
    public static void RequireExistingUser(this EndpointDefinition endpoint)
    {
        if (endpoint.EndpointType.GetCustomAttribute<AdminEndpointAttribute>() is { } admin)
            endpoint.Metadata(admin);
        if (endpoint.AnonymousVerbs is null)
            endpoint.Policies(AccessPolicy.Name);
    }
}
