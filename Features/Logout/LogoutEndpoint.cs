using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Profiles.Data;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Sessions;

namespace Profiles.Features.Logout;

sealed record LogoutResponse(string Message);

sealed class LogoutEndpoint(UserSessions sessions, CurrentUser me) : EndpointWithoutRequest<Ok<LogoutResponse>>
{
    public override void Configure()
    {
        Post("/logout");
        Description(d => d.WithTags("Sessions"));
        Summary(s =>
        {
            s.Summary = "Log out";
            s.Description = "Ends the session of the access token: it and the refresh token are refused from the next request on.";
            s.ResponseExamples[200] = new LogoutResponse("Logged out successfully");
            s.Responses[200] = "Logged out.";
        });
    }

    public override async Task<Ok<LogoutResponse>> ExecuteAsync(CancellationToken ct)
    {
        await sessions.EndAsync(me.Id, me.SessionId, SecurityEventKind.LoggedOut);
        return TypedResults.Ok(new LogoutResponse("Logged out successfully"));
    }
}
