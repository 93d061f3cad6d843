using FastEndpoints;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Profiles.Infrastructure.Tokens;

namespace Profiles.Infrastructure.Authentication;

/// <summary>Registers who may call what: nobody without a live user's token, unless a route says that it is anonymous.</summary>
static class AuthenticationSetup
{
    const string Prefix = $"{JwtBearerDefaults.AuthenticationScheme} ";

    public static IServiceCollection AddAuth(this IServiceCollection services)
    {
        services.AddAuthentication(JwtBearerDefaults.AuthenticationScheme).AddJwtBearer();
        // It would make keys for cookies at the start, which nobody has here, and leave them in the home directory.
        foreach (var maker in services.Where(s => s.ServiceType == typeof(IHostedService) && s.ImplementationType?.Namespace == "Microsoft.AspNetCore.DataProtection.Internal").ToArray())
            services.Remove(maker);
        services.AddOptions<JwtBearerOptions>(JwtBearerDefaults.AuthenticationScheme)
            .Configure<SigningKeys, AccessTokens, IOptions<JwtOptions>>((o, keys, tokens, jwt) =>
            {
                // Claims keep their names, and an answer says no more than RFC 6750 asks for.
                o.MapInboundClaims = o.IncludeErrorDetails = false;
                o.Events = new()
                {
                    OnMessageReceived = c =>
                    {
                        TakeToken(c);
                        return Task.CompletedTask;
                    },
                    OnChallenge = c => Task.FromResult(c.Error = c.AuthenticateFailure is null ? null : "invalid_token"),
                };
                o.TokenValidationParameters = new()
                {
                    TokenReader = (token, _) => AccessTokens.Read(token),
                    IssuerSigningKeyResolver = (_, _, _, _) => keys.Accepted,
                    LifetimeValidator = (notBefore, expires, token, _) => tokens.IsInTime(notBefore, expires, ((JsonWebToken)token).IssuedAt),
                    ValidAlgorithms = [SecurityAlgorithms.HmacSha256],
                    ValidIssuer = jwt.Value.Issuer,
                    ValidAudience = jwt.Value.Audience,
                    IgnoreTrailingSlashWhenValidatingAudience = false,
                };
            });
        services.AddAuthorizationBuilder()
            .AddPolicy(LiveUser.Policy, p => p.AddRequirements(new LiveUser()))
            .SetFallbackPolicy(new AuthorizationPolicyBuilder().AddRequirements(new LiveUser()).Build());
        return services
            .AddScoped<IAuthorizationHandler, LiveUserHandler>()
            .AddSingleton<IAuthorizationMiddlewareResultHandler, UnauthorizedRatherThanForbidden>();
    }

    // The handler itself would join several headers and trim what is in them: more spellings of one token.
    static void TakeToken(MessageReceivedContext context)
    {
        var headers = context.Request.Headers.Authorization;
        if (headers.Count > 1)
            context.Fail("There are several Authorization headers.");
        else if (headers is [{ } header] && header.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase))
            context.Token = header[Prefix.Length..];
        else
            context.NoResult();
    }

    /// <summary>For every endpoint that does not say that it is anonymous.</summary>
    public static void RequireLiveUser(this EndpointDefinition endpoint)
    {
        if (endpoint.AnonymousVerbs is null)
            endpoint.Policies(LiveUser.Policy);
    }
}
