using System.CommandLine;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Audit;
using Profiles.Infrastructure.Commands;
using Profiles.Infrastructure.Webhooks;

namespace Profiles.Features.RemoveWebhook;

/// <summary>Removes an endpoint with what waits for it.</summary>
sealed class RemoveWebhookCommand : OperatorCommand
{
    static readonly Argument<string> Endpoint = new("name") { Description = "The endpoint's name." };

    public RemoveWebhookCommand() : base(
        "webhooks remove", "Removes an endpoint of webhooks and the messages that wait for it.", "Profiles webhooks remove crm") =>
        Add(Endpoint);

    public override async Task<int> RunAsync(CommandRun run, CancellationToken ct)
    {
        var (db, name) = (run.Get<ProfilesDbContext>(), run.Arguments.GetValue(Endpoint)!);
        if (run.Get<WebhookEndpoints>().IsOfSettings(name))
            return await CommandRun.FailAsync($"{name} is an endpoint of the settings: remove it from Webhooks__Endpoints.");
        var (isRemoved, messages) = await db.TransactAsync(async () =>
        {
            if (await db.WebhookEndpoints.Where(e => e.Name == name).ExecuteDeleteAsync(ct) == 0)
                return (false, 0);
            var waiting = await db.Outbox.Where(e => e.Store == OutboxStore.Webhook && e.Key == name).ExecuteDeleteAsync(ct);
            run.Get<AuditLog>().Add("webhook.removed", detail: name);
            await db.SaveChangesAsync(ct);
            return (true, waiting);
        }, ct);
        if (!isRemoved)
            return await CommandRun.FailAsync($"There is no endpoint {name}.");
        await run.Output.WriteLineAsync($"Removed, with {messages} messages that waited.");
        return 0;
    }
}
