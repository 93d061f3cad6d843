using Profiles.Data;
using Profiles.Infrastructure.Commands;
using Profiles.Infrastructure.Tokens;

namespace Profiles.Features.ListKeys;

/// <summary>Shows the keys of the ring, and nothing of the private ones.</summary>
sealed class ListKeysCommand() : OperatorCommand(
    "keys list", "Lists the keys that sign access tokens: id (kid), state, and since when it is in it.", "Profiles keys list")
{
    public override async Task<int> RunAsync(CommandRun run, CancellationToken ct)
    {
        await run.Output.WriteLineAsync($"{"id",-RingKey.IdLength}  {"state",-8}  {"created",-20}  since");
        foreach (var key in (await run.Get<KeyRing>().ListAsync(ct)).OrderByDescending(k => k.CreatedAt))
        {
            var (state, since) = key.IsNext ? ("next", key.CreatedAt)
                : key.IsCurrent ? ("current", key.ActivatedAt!.Value)
                : ("previous", key.RetiredAt!.Value);
            await run.Output.WriteLineAsync(FormattableString.Invariant(
                $"{key.Id,-RingKey.IdLength}  {state,-8}  {key.CreatedAt:u}  {since:u}"));
        }
        return 0;
    }
}
