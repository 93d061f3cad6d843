using System.CommandLine;
using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Commands;

namespace Profiles.Features.ListAdminKeys;

sealed class ListAdminKeysCommand : OperatorCommand
{
    readonly Option<bool> json = CommandRun.JsonOption();

    public ListAdminKeysCommand()
        : base("admin-keys list", "Lists the admin keys by name, without the keys.", "Profiles admin-keys list") => Add(json);

    public override async Task<int> RunAsync(CommandRun run, CancellationToken ct)
    {
        var keys = await run.Get<ProfilesDbContext>().AdminKeys.AsNoTracking().OrderBy(k => k.Name)
            .Select(k => new ListAdminKeysEntry(k.Name, k.Scopes, k.CreatedAt)).ToListAsync(ct);
        if (run.Arguments.GetValue(json))
        {
            await run.WriteJsonAsync(keys);
            return 0;
        }
        await run.Output.WriteLineAsync(keys.Count == 0 ? "No keys." : $"{"created",-20}  name  scopes");
        foreach (var key in keys)
            await run.Output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{key.CreatedAt:u}  {key.Name}  {key.Scopes}"));
        return 0;
    }
}

sealed record ListAdminKeysEntry(string Name, string Scopes, DateTime CreatedAt);
