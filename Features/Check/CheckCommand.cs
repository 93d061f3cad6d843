using Profiles.Infrastructure.Commands;
using Profiles.Infrastructure.Decoding;
using Profiles.Infrastructure.Images;

namespace Profiles.Features.Check;

/// <summary>Reports whether the database and the images agree, and whether the settings open the stored secrets.</summary>
sealed class CheckCommand() : OperatorCommand(
    "check",
    "Checks that the database and the images agree, and that the settings open the stored secrets; changes nothing, and may run beside "
        + "the service. Decodes Images__Workers at once.",
    "Profiles check")
{
    public override async Task<int> RunAsync(CommandRun run, CancellationToken ct)
    {
        await run.Get<DecodePool>().StartAsync();
        var secrets = await ActivatorUtilities.CreateInstance<CheckSecrets>(run.Services).RunAsync(run.Output, ct);
        return Math.Max(secrets, await ActivatorUtilities.CreateInstance<StoreCheck>(run.Services).RunAsync(run.Output, ct));
    }
}
