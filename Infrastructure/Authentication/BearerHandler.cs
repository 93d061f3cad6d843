using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Tokens;

namespace Profiles.Infrastructure.Authentication;

/// <summary>The identity of a valid access token; <see cref="ExistingUser"/> checks that its user and session exist.</summary>
sealed class TokenIdentity(AccessToken token) : ClaimsIdentity(BearerHandler.Scheme)
{
    public AccessToken Token => token;
}

/// <summary>Authenticates a request by its <c>Authorization</c> header (RFC 6750), of which it accepts one form only.</summary>
sealed class BearerHandler(
    AccessTokens tokens, IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    public new const string Scheme = "Bearer";

    public const string InvalidToken = $"{Scheme} error=\"invalid_token\"";

    const string Prefix = $"{Scheme} ";

    static readonly AuthenticateResult Refused = AuthenticateResult.Fail("The access token is invalid.");

    protected override Task<AuthenticateResult> HandleAuthenticateAsync() => Task.FromResult(Authenticate());

    // A missing token gets a challenge without an error (RFC 6750, 3.1).
    protected override async Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        var isRefused = (await HandleAuthenticateOnceSafeAsync()).Failure is not null;
        Response.StatusCode = StatusCodes.Status401Unauthorized;
        Response.Headers.WWWAuthenticate = isRefused ? InvalidToken : Scheme;
    }

    AuthenticateResult Authenticate()
    {
        var headers = Request.Headers.Authorization;
        if (headers.Count > 1)
            return Refused;
        if (headers is not [{ } header] || header.Length == Prefix.Length || !header.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase))
            return AuthenticateResult.NoResult();
        return tokens.Verify(header.AsSpan(Prefix.Length)) is { } token
            ? AuthenticateResult.Success(new(new ClaimsPrincipal(new TokenIdentity(token)), Scheme)) : Refused;
    }
}
