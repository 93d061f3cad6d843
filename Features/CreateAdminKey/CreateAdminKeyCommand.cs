using System.CommandLine;
using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Admin;
using Profiles.Infrastructure.Audit;
using Profiles.Infrastructure.Commands;

namespace Profiles.Features.CreateAdminKey;

sealed partial class CreateAdminKeyCommand : OperatorCommand
{
    readonly Argument<string> name = new("NAME") { Description = "What the key is for; the audit log has it." };

    readonly Option<string[]> scopes = new("--scope")
    {
        Description = $"What it may do: {string.Join(", ", AdminScopes.All)}. May be given several times.",
        Required = true,
        AllowMultipleArgumentsPerToken = true,
    };

    public CreateAdminKeyCommand() : base(
        "admin-keys create",
        "Makes a key for the admin API or for token introspection, and shows it once.",
        $"Profiles admin-keys create support --scope {AdminScopes.UsersRead} {AdminScopes.UsersWrite}",
        $"Profiles admin-keys create orders-service --scope {AdminScopes.TokensIntrospect}")
    {
        name.Validators.Add(result =>
        {
            if (!NameForm().IsMatch(result.GetValueOrDefault<string>() ?? "") || result.Tokens[0].Value.Length > AdminKey.NameMaxLength)
                result.AddError($"NAME is 1 to {AdminKey.NameMaxLength} letters a to z, digits, dots, hyphens and underscores.");
        });
        scopes.AcceptOnlyFromAmong([.. AdminScopes.All]);
        Add(name);
        Add(scopes);
    }

    public override async Task<int> RunAsync(CommandRun run, CancellationToken ct)
    {
        var (db, keyName, (key, hash)) = (run.Get<ProfilesDbContext>(), run.Arguments.GetRequiredValue(name), AdminKeys.Make());
        var list = string.Join(' ', AdminScopes.All.Intersect(run.Arguments.GetRequiredValue(scopes)));
        db.AdminKeys.Add(new() { Name = keyName, Hash = hash, Scopes = list, CreatedAt = run.Get<TimeProvider>().GetUtcNow().UtcDateTime });
        run.Get<AuditLog>().Add("admin_key.created", detail: $"{keyName}: {list}");
        try
        {
            await db.SaveChangesAsync(ct);
        }
        catch (DbUpdateException e) when (DatabaseErrors.IsUniqueViolation(e))
        {
            return await CommandRun.FailAsync($"There is a key {keyName} already.");
        }
        await Console.Error.WriteLineAsync("Keep the key now: it is not shown again.");
        await run.Output.WriteLineAsync(key);
        return 0;
    }

    [GeneratedRegex(@"^[A-Za-z0-9._-]+\z")]
    private static partial Regex NameForm();
}
