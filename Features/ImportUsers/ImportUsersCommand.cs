using System.CommandLine;
using System.Data.Common;
using System.Diagnostics;
using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Audit;
using Profiles.Infrastructure.Commands;
using Profiles.Infrastructure.Importing;
using Profiles.Infrastructure.Json;
using Profiles.Infrastructure.Passwords;
using Profiles.Infrastructure.SecondFactors;
using Profiles.Infrastructure.Settings;
using JsonOptions = Microsoft.AspNetCore.Http.Json.JsonOptions;

namespace Profiles.Features.ImportUsers;

/// <summary>Imports the users of another service, with the hashes of their passwords.</summary>
sealed class ImportUsersCommand : OperatorCommand
{
    readonly Argument<FileInfo> file = new("FILE") { Description = "JSON lines, one for each user (docs/import.md)." };
    readonly Option<bool> dryRun = new("--dry-run") { Description = "Checks every line, and writes nothing to the database." };
    readonly Option<FileInfo?> report = new("--report")
    {
        Description = "A new file for what is refused: the line's number, the field, a code and a sentence, as JSON lines.",
    };
    readonly Option<FileInfo?> firebase = new("--firebase")
    {
        Description = "A file with the password hash parameters as the Firebase console shows them.",
    };

    public ImportUsersCommand() : base(
        "users import",
        "Imports users, also beside the service. Those whom an earlier run imported are skipped. Ends with 1 when it refuses a line.",
        "Profiles users import users.jsonl --dry-run --report refused.jsonl",
        "Profiles users import firebase.jsonl --firebase parameters.txt")
    {
        Add(file);
        Add(dryRun);
        Add(report);
        Add(firebase);
    }

    public override async Task<int> RunAsync(CommandRun run, CancellationToken ct)
    {
        var (start, isDryRun) = (Stopwatch.GetTimestamp(), run.Arguments.GetValue(dryRun));
        await using var input = Open(run.Arguments.GetRequiredValue(file), FileMode.Open, FileAccess.Read);
        var parameters = ReadParameters(run.Arguments.GetValue(firebase));
        await using var refused = run.Arguments.GetValue(report) is { } name
            ? new StreamWriter(Open(name, FileMode.CreateNew, FileAccess.Write)) : null;
        var json = run.Get<IOptions<JsonOptions>>().Value.SerializerOptions;
        var reader = new ImportReader(json, parameters, run.Get<TotpSecrets>(), run.Get<TimeProvider>());
        var refusals = new ImportUsersReport(refused, run.Output);
        var (db, audit) = (run.Get<ProfilesDbContext>(), run.Get<AuditLog>());
        var users = new ImportUsersBatches(db, audit, refusals, isDryRun);
        try
        {
            await Progress.RunAsync(run.Output, async progress =>
            {
                await foreach (var (number, line) in JsonLines.ReadAsync(input, StrictJson.MaxBodyBytes, ct))
                {
                    var (user, reasons) = reader.Read(line);
                    if (user is null)
                        refusals.Add(number, reasons);
                    else
                        await users.AddAsync(number, user, ct);
                    if (input.CanSeek)
                        progress.Report("bytes", input.Position, input.Length);
                }
                await users.SaveAsync(ct);
                return users.Imported;
            });
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // What is saved stays, and is told below.
        }
        catch (Exception e) when (e is DbException or DbUpdateException)
        {
            throw new StartException($"After {users.Imported} imported users: "
                + $"{DatabaseErrors.Sentence(e) ?? "the database does not answer."} Another run skips those users.");
        }
        var counts = string.Create(CultureInfo.InvariantCulture,
            $"{users.Imported} {(isDryRun ? "to import" : "imported")}, {users.Skipped} there already, {refusals.Refused} refused");
        if (users.Imported > 0 && !isDryRun)
        {
            audit.Add("users.imported", detail: counts);
            await db.SaveChangesAsync(CancellationToken.None);
        }
        var rate = users.Imported / Stopwatch.GetElapsedTime(start).TotalSeconds;
        await run.Output.WriteLineAsync(isDryRun ? $"Nothing was written (--dry-run); users: {counts}."
            : string.Create(CultureInfo.InvariantCulture, $"Users: {counts} ({rate:F0} imported a second)."));
        ct.ThrowIfCancellationRequested();
        return refusals.Refused == 0 ? 0 : CommandLine.Failed;
    }

    static FirebaseParameters? ReadParameters(FileInfo? file) => file is null ? null
        : FirebaseParameters.Read(Open(file, FileMode.Open, FileAccess.Read))
            ?? throw new StartException($"{file} does not have base64_signer_key, base64_salt_separator, rounds and mem_cost.");

    static FileStream Open(FileInfo file, FileMode mode, FileAccess access)
    {
        try
        {
            return file.Open(mode, access, FileShare.Read);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartException($"{file} " + (mode == FileMode.Open ? "cannot be read."
                : file.Exists ? "is there already: each run needs a new file for its report." : "cannot be made."));
        }
    }
}
