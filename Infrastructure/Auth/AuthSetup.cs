using FastEndpoints;
using FastEndpoints.Security;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Mail;
using Profiles.Infrastructure.Pages;
using Profiles.Infrastructure.Passwords;

namespace Profiles.Infrastructure.Auth;

/// <summary>Registers who may call what: nobody without a live user's token, unless a route says that it is anonymous.</summary>
static class AuthSetup
{
    public static IServiceCollection AddAuth(this IServiceCollection services)
    {
        services.AddAuthenticationJwtBearer(_ => { });
        services.AddOptions<JwtBearerOptions>(JwtBearerDefaults.AuthenticationScheme)
            .Configure<SigningKeys, AccessTokens, IOptions<JwtOptions>>((o, keys, tokens, jwt) =>
            {
                o.TokenValidationParameters.IssuerSigningKeyResolver = (_, _, _, _) => keys.Accepted;
                o.TokenValidationParameters.LifetimeValidator = (notBefore, expires, _, _) => tokens.IsInTime(notBefore, expires);
                o.TokenValidationParameters.ValidAlgorithms = ["HS256"];
                o.TokenValidationParameters.ValidateIssuer = o.TokenValidationParameters.ValidateAudience = true;
                o.TokenValidationParameters.ValidIssuer = jwt.Value.Issuer;
                o.TokenValidationParameters.ValidAudience = jwt.Value.Audience;
            });
        services.AddAuthorizationBuilder()
            .AddPolicy(LiveUser.Policy, p => p.AddRequirements(new LiveUser()))
            .SetFallbackPolicy(new AuthorizationPolicyBuilder().AddRequirements(new LiveUser()).Build());
        return services
            .AddMail()
            .AddSingleton<PasswordHasher>()
            .AddSingleton<PasswordBlocklist>()
            .AddScoped<AccountPasswords>()
            .AddScoped<PasswordReset>()
            .AddScoped<PasswordRenewal>()
            .AddScoped<CredentialChange>()
            .AddScoped<AccountEmails>()
            .AddScoped<EmailVerification>()
            .AddScoped<Registrations>()
            .AddScoped<OneTimeTokens>()
            .AddSingleton<SigningKeys>()
            .AddSingleton<AccessTokens>()
            .AddScoped<CurrentUser>()
            .AddScoped<SecurityEventLog>()
            .AddScoped<Sessions>()
            .AddSingleton<OwnPages>()
            .AddSingleton<SecurityEventWriter>()
            .AddHostedService(provider => provider.GetRequiredService<SecurityEventWriter>())
            .AddScoped<IAuthorizationHandler, LiveUserHandler>()
            .AddSingleton<IAuthorizationMiddlewareResultHandler, UnauthorizedRatherThanForbidden>();
    }

    /// <summary>For every endpoint that does not say that it is anonymous.</summary>
    public static void RequireLiveUser(this EndpointDefinition endpoint)
    {
        if (endpoint.AnonymousVerbs is null)
            endpoint.Policies(LiveUser.Policy);
    }
}
