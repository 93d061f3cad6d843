using System.Text.Json;
using FluentValidation.Results;

namespace Profiles.Features.ImportUsers;

/// <summary>
/// Tells what is refused and why: as JSON lines in a file, else the first lines in the output. It tells no value of a line, so that it can
/// be handed on.
/// </summary>
sealed class ImportUsersReport(TextWriter? file, TextWriter output)
{
    // Enough to see what is wrong with a file.
    const int MostShown = 20;

    /// <summary>The number of refused lines.</summary>
    public long Refused { get; private set; }

    public void Add(long line, params IReadOnlyList<ValidationFailure> failures)
    {
        Refused++;
        foreach (var (field, code, sentence) in failures.Select(f => (f.PropertyName, f.ErrorCode, f.ErrorMessage)))
        {
            if (file is not null)
                file.WriteLine(JsonSerializer.Serialize(new { line, field, code, sentence }));
            else if (Refused <= MostShown)
                output.WriteLine($"Line {line}{(field.Length > 0 ? $", {field}" : "")}: {sentence} ({code})");
        }
        if (file is null && Refused == MostShown + 1)
            output.WriteLine("More lines are refused: --report FILE names them all.");
    }
}
