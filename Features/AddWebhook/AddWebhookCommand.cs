using System.CommandLine;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Audit;
using Profiles.Infrastructure.Commands;
using Profiles.Infrastructure.Webhooks;

namespace Profiles.Features.AddWebhook;

/// <summary>Adds an endpoint that is told what happens.</summary>
sealed class AddWebhookCommand : OperatorCommand
{
    static readonly Argument<string> Endpoint = new("name") { Description = "What you call it, such as crm." };

    static readonly Argument<string> Url = new("url") { Description = "The https address that gets the messages." };

    static readonly Option<string[]> Events = new("--event")
    {
        Description = "An event that it gets; without any it gets all.",
        AllowMultipleArgumentsPerToken = true,
    };

    public AddWebhookCommand() : base(
        "webhooks add",
        "Adds an endpoint of webhooks and prints its secret, which is shown only now. Running services follow within seconds.",
        "Profiles webhooks add crm https://crm.example.com/hooks",
        "Profiles webhooks add search https://search.example.com/hooks --event user.updated user.deleted")
    {
        Add(Endpoint);
        Add(Url);
        Add(Events);
    }

    public override async Task<int> RunAsync(CommandRun run, CancellationToken ct)
    {
        var (name, url, events) =
            (run.Arguments.GetValue(Endpoint)!, run.Arguments.GetValue(Url)!, run.Arguments.GetValue(Events) ?? []);
        var (db, endpoints) = (run.Get<ProfilesDbContext>(), run.Get<WebhookEndpoints>());
        if (WebhookFormats.Refusal(name, url, events, run.Get<IOptions<WebhooksOptions>>().Value.AllowPrivateNetworks) is { } refusal)
            return await CommandRun.FailAsync(refusal);
        if (endpoints.IsOfSettings(name))
            return await CommandRun.FailAsync($"Webhooks__Endpoints has an endpoint {name}.");
        if (endpoints.All.Count >= WebhookFormats.MostEndpoints)
            return await CommandRun.FailAsync($"There are {WebhookFormats.MostEndpoints} endpoints, which is the most.");
        var secret = WebhookFormats.NewSecret();
        db.WebhookEndpoints.Add(new()
        {
            Name = name,
            Url = url,
            Events = string.Join(' ', events),
            Secret = endpoints.Envelope.Seal(secret),
            CreatedAt = run.Get<TimeProvider>().GetUtcNow().UtcDateTime,
        });
        run.Get<AuditLog>().Add("webhook.added", detail: name);
        try
        {
            await db.TransactAsync(async () =>
            {
                await db.SaveChangesAsync(ct);
                // What instances still wrote for a removed endpoint of this name is not for this address.
                return await db.Outbox.Where(e => e.Store == OutboxStore.Webhook && e.Key == name).ExecuteDeleteAsync(ct);
            }, ct);
        }
        catch (DbUpdateException e) when (DatabaseErrors.IsUniqueViolation(e))
        {
            return await CommandRun.FailAsync($"There is an endpoint {name}.");
        }
        await run.Output.WriteLineAsync(secret);
        return 0;
    }
}
