using System.CommandLine;
using Profiles.Infrastructure.Audit;
using Profiles.Infrastructure.Commands;
using Profiles.Infrastructure.Tokens;

namespace Profiles.Features.RotateKeys;

/// <summary>Has the next key sign at once. Tokens of the current key stay valid until they expire.</summary>
sealed class RotateKeysCommand : OperatorCommand
{
    readonly Option<bool> force = new("--force")
    {
        Description = "Rotates although other services may not know the next key yet; they refuse new tokens until they ask for the keys.",
    };

    public RotateKeysCommand() : base(
        "keys rotate", "Signs new access tokens with the next key. Nobody is logged out.",
        "Profiles keys rotate", "Profiles keys rotate --force") => Add(force);

    public override async Task<int> RunAsync(CommandRun run, CancellationToken ct)
    {
        var isForced = run.Arguments.GetValue(force);
        run.Get<AuditLog>().Add("keys.rotated", detail: isForced ? "forced" : null);
        await run.Get<KeyRing>().RotateAsync(run.Services, isForced, ct);
        await run.Output.WriteLineAsync("Rotated. Every instance signs with the new key within half a minute.");
        return 0;
    }
}
