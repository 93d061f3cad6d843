using FastEndpoints;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;

namespace Profiles.Infrastructure.Authentication;

/// <summary>Registers authentication: every route needs an existing user's token unless it is anonymous.</summary>
static class AuthenticationSetup
{
    public static IServiceCollection AddAuth(this IServiceCollection services)
    {
        services.AddAuthentication(BearerHandler.Scheme).AddScheme<AuthenticationSchemeOptions, BearerHandler>(BearerHandler.Scheme, null);
        // Data protection would generate keys for cookies at the start, which nothing here uses, in the home directory.
        var keyGenerators = services.Where(s => s.ServiceType == typeof(IHostedService)
            && s.ImplementationType?.Namespace == "Microsoft.AspNetCore.DataProtection.Internal");
        foreach (var keyGenerator in keyGenerators.ToArray())
            services.Remove(keyGenerator);
        services.AddAuthorizationBuilder()
            .AddPolicy(ExistingUser.Policy, p => p.AddRequirements(new ExistingUser()))
            .SetFallbackPolicy(new AuthorizationPolicyBuilder().AddRequirements(new ExistingUser()).Build());
        return services
            .AddScoped<IAuthorizationHandler, ExistingUserHandler>()
            .AddSingleton<IAuthorizationMiddlewareResultHandler, UnauthorizedRatherThanForbidden>();
    }

    /// <summary>Requires an existing user for every endpoint that is not anonymous.</summary>
    public static void RequireExistingUser(this EndpointDefinition endpoint)
    {
        if (endpoint.AnonymousVerbs is null)
            endpoint.Policies(ExistingUser.Policy);
    }
}
