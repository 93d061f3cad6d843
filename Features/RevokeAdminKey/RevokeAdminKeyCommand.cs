using System.CommandLine;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Audit;
using Profiles.Infrastructure.Commands;

namespace Profiles.Features.RevokeAdminKey;

sealed class RevokeAdminKeyCommand : OperatorCommand
{
    readonly Argument<string> name = new("NAME") { Description = "The key's name, as admin-keys list shows it." };

    public RevokeAdminKeyCommand() : base(
        "admin-keys revoke", "Revokes an admin key: its next request is refused.", "Profiles admin-keys revoke support") => Add(name);

    public override async Task<int> RunAsync(CommandRun run, CancellationToken ct)
    {
        var (db, keyName) = (run.Get<ProfilesDbContext>(), run.Arguments.GetRequiredValue(name));
        var isRevoked = await db.TransactAsync(async () =>
        {
            if (await db.AdminKeys.Where(k => k.Name == keyName).ExecuteDeleteAsync(ct) == 0)
                return false;
            run.Get<AuditLog>().Add("admin_key.revoked", detail: keyName);
            await db.SaveChangesAsync(ct);
            return true;
        }, ct);
        if (!isRevoked)
            return await CommandRun.FailAsync("There is no such key.");
        await run.Output.WriteLineAsync($"{keyName} is revoked.");
        return 0;
    }
}
