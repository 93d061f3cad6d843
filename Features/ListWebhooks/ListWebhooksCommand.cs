using System.CommandLine;
using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Commands;
using Profiles.Infrastructure.Webhooks;

namespace Profiles.Features.ListWebhooks;

/// <param name="Name">The endpoint's name.</param>
/// <param name="Url">Its address.</param>
/// <param name="Events">What it gets.</param>
/// <param name="FromSettings">Whether the settings make it.</param>
/// <param name="Pending">How many messages wait for it.</param>
/// <param name="Dead">How many were given up.</param>
/// <param name="LastFailure">Why the newest of these that failed did.</param>
sealed record ListWebhooksEndpoint(
    string Name, string Url, IReadOnlyList<string> Events, bool FromSettings, int Pending, int Dead, string? LastFailure);

/// <param name="Id">What <c>webhooks resend</c> takes.</param>
/// <param name="Endpoint">The endpoint's name.</param>
/// <param name="Message">The message's id, which the receiver sees.</param>
/// <param name="Type">The event.</param>
/// <param name="CreatedAt">When it happened, UTC.</param>
/// <param name="Failure">Why the last attempt failed.</param>
sealed record ListWebhooksMessage(long Id, string Endpoint, string Message, string Type, DateTime CreatedAt, string? Failure);

/// <summary>Shows the endpoints, what waits for them, and what was given up.</summary>
sealed class ListWebhooksCommand : OperatorCommand
{
    const int MostMessages = 100;

    static readonly Option<bool> Json = CommandRun.JsonOption();

    public ListWebhooksCommand() : base(
        "webhooks list",
        $"Lists the endpoints of webhooks, and the newest {MostMessages} messages that are pending and that are dead.",
        "Profiles webhooks list", "Profiles webhooks list --json") => Add(Json);

    public override async Task<int> RunAsync(CommandRun run, CancellationToken ct)
    {
        await run.Get<WebhookEndpoints>().LoadAsync(ct);
        var messages = run.Get<ProfilesDbContext>().Outbox.AsNoTracking().Where(e => e.Store == OutboxStore.Webhook);
        var counts = await messages.GroupBy(e => new { e.Key, IsDead = e.State == OutboxState.Dead })
            .Select(g => new { g.Key.Key, g.Key.IsDead, Count = g.Count() }).ToListAsync(ct);
        List<ListWebhooksEndpoint> endpoints = [];
        foreach (var endpoint in run.Get<WebhookEndpoints>().All)
        {
            var failure = await messages.Where(e => e.Key == endpoint.Name && e.Failure != null)
                .OrderByDescending(e => e.Id).Select(e => e.Failure).FirstOrDefaultAsync(ct);
            endpoints.Add(new(
                endpoint.Name, endpoint.Url, endpoint.Events.Length == 0 ? WebhookEvents.All : endpoint.Events.Split(' '),
                run.Get<WebhookEndpoints>().IsOfSettings(endpoint.Name), Count(endpoint.Name, isDead: false),
                Count(endpoint.Name, isDead: true), failure));
        }
        var pending = await ReadAsync(messages.Where(e => e.State != OutboxState.Dead), ct);
        var dead = await ReadAsync(messages.Where(e => e.State == OutboxState.Dead), ct);
        if (run.Arguments.GetValue(Json))
            await run.WriteJsonAsync(new { endpoints, pending, dead });
        else
            await PrintAsync(run.Output, endpoints, pending, dead);
        return 0;

        int Count(string name, bool isDead) => counts.Where(c => c.Key == name && c.IsDead == isDead).Sum(c => c.Count);
    }

    static async Task<ListWebhooksMessage[]> ReadAsync(IQueryable<OutboxEntry> messages, CancellationToken ct) =>
        [.. (await messages.OrderByDescending(e => e.Id).Take(MostMessages).ToListAsync(ct)).Select(Describe)];

    static ListWebhooksMessage Describe(OutboxEntry entry)
    {
        var message = WebhookMessage.Of(entry.Payload!);
        return new(entry.Id, entry.Key, message.Id, message.Type, entry.CreatedAt, entry.Failure);
    }

    static async Task PrintAsync(
        TextWriter output, List<ListWebhooksEndpoint> endpoints, ListWebhooksMessage[] pending, ListWebhooksMessage[] dead)
    {
        foreach (var endpoint in endpoints)
        {
            await output.WriteLineAsync($"{endpoint.Name}  {endpoint.Url}{(endpoint.FromSettings ? "  (settings)" : "")}");
            await output.WriteLineAsync($"  {string.Join(' ', endpoint.Events)}");
            await output.WriteLineAsync(string.Create(
                CultureInfo.InvariantCulture, $"  {endpoint.Pending} pending, {endpoint.Dead} dead")
                + (endpoint.LastFailure is { } failure ? $"; last failure: {failure}" : ""));
        }
        if (endpoints.Count == 0)
            await output.WriteLineAsync("No endpoints.");
        foreach (var (state, message) in pending.Select(m => ("pending", m)).Concat(dead.Select(m => ("dead", m))))
        {
            await output.WriteLineAsync(string.Create(
                CultureInfo.InvariantCulture,
                $"{state} {message.Id}  {message.Endpoint}  {message.Type}  {message.CreatedAt:u}  {message.Message}  {message.Failure}"));
        }
    }
}
