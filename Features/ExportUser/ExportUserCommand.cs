using System.CommandLine;
using Profiles.Data;
using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Audit;
using Profiles.Infrastructure.Commands;
using Profiles.Infrastructure.Images;
using Profiles.Infrastructure.Settings;

namespace Profiles.Features.ExportUser;

sealed class ExportUserCommand : UserCommand
{
    readonly Argument<string> file = new("FILE") { Description = "The zip to write. It must not exist yet." };

    public ExportUserCommand() : base(
        "users export",
        "Writes all data of a user to a zip, as the user can from the app.",
        "Profiles users export john@example.com john.zip") => Add(file);

    protected override async Task<int> RunAsync(CommandRun run, User user, CancellationToken ct)
    {
        var path = Path.GetFullPath(run.Arguments.GetRequiredValue(file));
        if (Path.Exists(path))
            return await CommandRun.FailAsync($"{path} exists already.");
        var audit = run.Get<AuditLog>();
        try
        {
            var writeAsync = await run.Get<AccountArchive>().ReadAsync(user, () => audit.Add(ExportUserEndpoint.Action, user.Id), ct);
            await WriteAsync(path, writeAsync);
        }
        catch (Exception e) when (e is ImageStorageException or IOException or UnauthorizedAccessException)
        {
            return await CommandRun.FailAsync($"The archive cannot be written: {e.Message}");
        }
        await run.Output.WriteLineAsync($"{NameOf(user)} is exported to {path}.");
        return 0;
    }

    // Under another name until it is whole.
    static async Task WriteAsync(string path, Func<Stream, Task> writeAsync)
    {
        var part = $"{path}.{Guid.NewGuid():N}.part";
        try
        {
            await using (var stream = PrivateFiles.Create(part))
                await writeAsync(stream);
            File.Move(part, path);
        }
        catch
        {
            File.Delete(part);
            throw;
        }
    }
}
