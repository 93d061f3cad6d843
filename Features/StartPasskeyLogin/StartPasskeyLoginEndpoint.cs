using System.Buffers.Text;
using System.Security.Cryptography;
using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Profiles.Data;
using Profiles.Infrastructure.Limits;
using Profiles.Infrastructure.Passkeys;
using Profiles.Infrastructure.Sessions;

namespace Profiles.Features.StartPasskeyLogin;

sealed class StartPasskeyLoginEndpoint(ProfilesDbContext db, Challenges challenges, RelyingParty party)
    : EndpointWithoutRequest<Ok<StartPasskeyLoginResponse>>
{
    public override void Configure()
    {
        Post("/passkeys/authentication/options");
        AllowAnonymous();
        Description(d => d.LimitedTo(Limit.PasskeyLogins).WithTags("Passkeys"));
        Summary(s =>
        {
            s.Summary = "Ask how to log in with a passkey";
            s.Description = "The options that the platform's own call takes: `navigator.credentials.get` (by "
                + "`parseRequestOptionsFromJSON`), Credential Manager or AuthenticationServices. No address is "
                + "needed: the platform shows the person's passkeys. Send what it signs to `/passkeys/authentication/verify` within five "
                + "minutes.";
            s.ResponseExamples[200] = new StartPasskeyLoginResponse(
                "9bkpZaNbUxmsRLYhEqk3ViFiRAGMWvXWQGJ2-MlPnsq", 300_000, "example.com", "required");
            s.Responses[200] = "The options.";
        });
    }

    public override async Task<Ok<StartPasskeyLoginResponse>> ExecuteAsync(CancellationToken ct)
    {
        var challenge = RandomNumberGenerator.GetBytes(Challenges.SecretBytes);
        challenges.Add(ChallengeKind.PasskeyLogin, challenge, "");
        await db.SaveChangesAsync(ct);
        return TypedResults.Ok(new StartPasskeyLoginResponse(
            Base64Url.EncodeToString(challenge), (int)Challenge.Lifetime.TotalMilliseconds, party.Id, "required"));
    }
}
