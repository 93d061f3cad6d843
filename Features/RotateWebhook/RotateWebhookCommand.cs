using System.CommandLine;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Audit;
using Profiles.Infrastructure.Commands;
using Profiles.Infrastructure.Webhooks;

namespace Profiles.Features.RotateWebhook;

/// <summary>Gives an endpoint a new secret; the previous one signs as well for a day.</summary>
sealed class RotateWebhookCommand : OperatorCommand
{
    static readonly TimeSpan Overlap = TimeSpan.FromHours(24);

    static readonly Argument<string> Endpoint = new("name") { Description = "The endpoint's name." };

    public RotateWebhookCommand() : base(
        "webhooks rotate",
        "Prints a new secret for an endpoint, which is shown only now. Messages are signed with the previous one as well for 24 hours.",
        "Profiles webhooks rotate crm") => Add(Endpoint);

    public override async Task<int> RunAsync(CommandRun run, CancellationToken ct)
    {
        var (db, name) = (run.Get<ProfilesDbContext>(), run.Arguments.GetValue(Endpoint)!);
        if (run.Get<WebhookEndpoints>().IsOfSettings(name))
            return await CommandRun.FailAsync($"{name} is an endpoint of the settings: put the new secret before the old one there.");
        if (await db.WebhookEndpoints.SingleOrDefaultAsync(e => e.Name == name, ct) is not { } endpoint)
            return await CommandRun.FailAsync($"There is no endpoint {name}.");
        var secret = WebhookFormats.NewSecret();
        var envelope = run.Get<WebhookEndpoints>().Envelope;
        // The present one may be in plain text, from before there was a key to encrypt it.
        endpoint.PreviousSecret = envelope.Sealed(endpoint.Secret);
        endpoint.Secret = envelope.Seal(secret);
        endpoint.PreviousSecretUntil = run.Get<TimeProvider>().GetUtcNow().UtcDateTime + Overlap;
        run.Get<AuditLog>().Add("webhook.rotated", detail: name);
        await db.SaveChangesAsync(ct);
        await run.Output.WriteLineAsync(secret);
        return 0;
    }
}
