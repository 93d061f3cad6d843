using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Commands;
using Profiles.Infrastructure.Settings;

namespace Profiles.Features.Migrate;

/// <summary>Brings the database to this program's schema, which a start of the service does too.</summary>
sealed class MigrateCommand() : OperatorCommand(
    "migrate", "Creates the database, or brings it to this version's schema, and exits; a start of the service does the same.",
    "Profiles migrate")
{
    public override bool NeedsDatabase => false;

    public override async Task<int> RunAsync(CommandRun run, CancellationToken ct)
    {
        PrivateFiles.CreateDirectory(run.Get<IOptions<ServiceOptions>>().Value.DataDirectory);
        var engine = run.Get<DatabaseEngine>();
        await engine.MigrateAsync(ct);
        await engine.EndCheckAsync(ct);
        await run.Output.WriteLineAsync("The database has the schema of this version.");
        return 0;
    }
}
