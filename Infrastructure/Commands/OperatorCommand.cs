using System.CommandLine;

namespace Profiles.Infrastructure.Commands;

/// <summary>
/// A command of the operator, which uses the service's settings and database and may run beside it. Its class adds its arguments and
/// options to itself; <see cref="CommandLine"/> finds it.
/// </summary>
/// <param name="path">The words that call it, such as <c>users disable</c>.</param>
/// <param name="description">What it does, in a sentence for <c>--help</c>.</param>
/// <param name="examples">Whole command lines for <c>--help</c>.</param>
abstract class OperatorCommand(string path, string description, params string[] examples)
    : Command(path[(path.LastIndexOf(' ') + 1)..], description)
{
    /// <summary>The word before its own, which commands of one kind share; empty when it has none.</summary>
    public string Group { get; } = path[..Math.Max(path.LastIndexOf(' '), 0)];

    public IReadOnlyList<string> Examples => examples;

    /// <summary>Whether the database must be there and as new as this program. It is then not created or migrated.</summary>
    public virtual bool NeedsDatabase => true;

    /// <summary>
    /// Does the work, and returns the exit code: 0 when it is done, 1 when it found a fault or refuses. Interrupted, it leaves nothing half
    /// done.
    /// </summary>
    /// <exception cref="Settings.StartException">It cannot run; the message is a sentence for the operator.</exception>
    public abstract Task<int> RunAsync(CommandRun run, CancellationToken ct);
}
