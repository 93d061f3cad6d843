using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Profiles.Data;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Sessions;

namespace Profiles.Features.Logout;

sealed record LogoutResponse(string Message);

sealed class LogoutEndpoint(ProfilesDbContext db, CurrentUser me, SessionRevocation sessions) : EndpointWithoutRequest<Ok<LogoutResponse>>
{
    public override void Configure()
    {
        Post("/logout");
        Description(d => d.WithTags("Sessions"));
        Summary(s =>
        {
            s.Summary = "Log out";
            s.Description = "Ends the session of the access token; both of its tokens are refused from the next request on.";
            s.ResponseExamples[200] = new LogoutResponse("Logged out successfully");
            s.Responses[200] = "Logged out.";
        });
    }

    public override async Task<Ok<LogoutResponse>> ExecuteAsync(CancellationToken ct)
    {
        await sessions.RevokeAsync(me.Id, SecurityEventKind.LoggedOut, db.Sessions.Where(s => s.Id == me.SessionId && s.UserId == me.Id));
        return TypedResults.Ok(new LogoutResponse("Logged out successfully"));
    }
}
