using FastEndpoints;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Profiles.Infrastructure.Tokens;

namespace Profiles.Infrastructure.Authentication;

/// <summary>Registers authentication: every route needs an existing user's token unless it is anonymous.</summary>
static class AuthenticationSetup
{
    const string Prefix = $"{JwtBearerDefaults.AuthenticationScheme} ";

    public static IServiceCollection AddAuth(this IServiceCollection services)
    {
        services.AddAuthentication(JwtBearerDefaults.AuthenticationScheme).AddJwtBearer();
        // Data protection would generate keys for cookies at the start, which nothing here uses, in the home directory.
        var keyGenerators = services.Where(s => s.ServiceType == typeof(IHostedService)
            && s.ImplementationType?.Namespace == "Microsoft.AspNetCore.DataProtection.Internal");
        foreach (var keyGenerator in keyGenerators.ToArray())
            services.Remove(keyGenerator);
        services.AddOptions<JwtBearerOptions>(JwtBearerDefaults.AuthenticationScheme)
            .Configure<SigningKeys, AccessTokens, IOptions<JwtOptions>>((o, keys, tokens, jwt) =>
            {
                // Claims keep their names, and a challenge says no more than RFC 6750 requires.
                o.MapInboundClaims = o.IncludeErrorDetails = false;
                o.Events = new()
                {
                    OnMessageReceived = c =>
                    {
                        ReadToken(c);
                        return Task.CompletedTask;
                    },
                    OnChallenge = c => Task.FromResult(c.Error = c.AuthenticateFailure is null ? null : "invalid_token"),
                };
                o.TokenValidationParameters = new()
                {
                    TokenReader = (token, _) => AccessTokens.Read(token),
                    IssuerSigningKeyResolver = (_, _, _, _) => keys.Accepted,
                    LifetimeValidator = (notBefore, expires, token, _) =>
                        tokens.IsValidNow(notBefore, expires, ((JsonWebToken)token).IssuedAt),
                    ValidAlgorithms = [SecurityAlgorithms.HmacSha256],
                    ValidIssuer = jwt.Value.Issuer,
                    ValidAudience = jwt.Value.Audience,
                    IgnoreTrailingSlashWhenValidatingAudience = false,
                };
            });
        services.AddAuthorizationBuilder()
            .AddPolicy(ExistingUser.Policy, p => p.AddRequirements(new ExistingUser()))
            .SetFallbackPolicy(new AuthorizationPolicyBuilder().AddRequirements(new ExistingUser()).Build());
        return services
            .AddScoped<IAuthorizationHandler, ExistingUserHandler>()
            .AddSingleton<IAuthorizationMiddlewareResultHandler, UnauthorizedRatherThanForbidden>();
    }

    // The bearer handler itself joins several headers and trims them, which would allow more spellings of one token.
    static void ReadToken(MessageReceivedContext context)
    {
        var headers = context.Request.Headers.Authorization;
        if (headers.Count > 1)
            context.Fail("There are several Authorization headers.");
        else if (headers is [{ } header] && header.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase))
            context.Token = header[Prefix.Length..];
        else
            context.NoResult();
    }

    /// <summary>Requires an existing user for every endpoint that is not anonymous.</summary>
    public static void RequireExistingUser(this EndpointDefinition endpoint)
    {
        if (endpoint.AnonymousVerbs is null)
            endpoint.Policies(ExistingUser.Policy);
    }
}
