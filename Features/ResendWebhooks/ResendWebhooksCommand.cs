using System.CommandLine;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Audit;
using Profiles.Infrastructure.Commands;
using Profiles.Infrastructure.Webhooks;

namespace Profiles.Features.ResendWebhooks;

/// <summary>Sends messages at once, with all attempts before them again.</summary>
sealed class ResendWebhooksCommand : OperatorCommand
{
    static readonly Argument<long?> Id = new("id")
    {
        Description = "A message's number in webhooks list; it may be pending or dead.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    static readonly Option<bool> AllDead = new("--all-dead") { Description = "All dead messages." };

    static readonly Option<string?> Endpoint = new("--endpoint") { Description = "With --all-dead: those of one endpoint." };

    public ResendWebhooksCommand() : base(
        "webhooks resend",
        "Has messages sent again at once, with all retries before them. A running service sends them within seconds.",
        "Profiles webhooks resend 1234", "Profiles webhooks resend --all-dead --endpoint crm")
    {
        Add(Id);
        Add(AllDead);
        Add(Endpoint);
        Validators.Add(result =>
        {
            if (result.GetValue(AllDead) == (result.GetValue(Id) is not null))
                result.AddError("Either the number of a message or --all-dead is needed.");
            else if (result.GetValue(Endpoint) is not null && !result.GetValue(AllDead))
                result.AddError("--endpoint goes with --all-dead.");
        });
    }

    public override async Task<int> RunAsync(CommandRun run, CancellationToken ct)
    {
        var (id, endpoint) = (run.Arguments.GetValue(Id), run.Arguments.GetValue(Endpoint));
        var (db, now) = (run.Get<ProfilesDbContext>(), run.Get<TimeProvider>().GetUtcNow().UtcDateTime);
        var messages = db.Outbox.Where(e => e.Store == OutboxStore.Webhook);
        messages = id is not null ? messages.Where(e => e.Id == id)
            : messages.Where(e => e.State == OutboxState.Dead && (endpoint == null || e.Key == endpoint));
        var count = await db.TransactAsync(async () =>
        {
            var resent = await messages.ExecuteUpdateAsync(
                e => e.SetProperty(x => x.State, OutboxState.Settling).SetProperty(x => x.DueAt, now).SetProperty(x => x.Attempts, 0), ct);
            if (resent > 0)
                run.Get<AuditLog>().Add("webhook.resent", detail: id is not null ? $"{id}" : endpoint ?? "all");
            await db.SaveChangesAsync(ct);
            return resent;
        }, ct);
        if (count == 0 && id is not null)
            return await CommandRun.FailAsync($"There is no message {id}.");
        // One that was removed may still have dead messages.
        if (count == 0 && endpoint is not null && run.Get<WebhookEndpoints>().Find(endpoint) is null)
            return await CommandRun.FailAsync($"There is no endpoint {endpoint}.");
        await run.Output.WriteLineAsync($"{count} messages are sent again.");
        return 0;
    }
}
