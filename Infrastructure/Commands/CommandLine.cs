using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using Profiles.Data;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Commands;

/// <summary>What the program is called with: a command of the operator, or none, which serves.</summary>
sealed class CommandLine
{
    public const int Failed = 1, Misused = 2, Interrupted = 130;

    const string Serve = "serve";

    readonly ParseResult? parsed;

    CommandLine(ParseResult? parsed, string[] settings) => (this.parsed, Settings) = (parsed, settings);

    /// <summary>Settings such as <c>--PublicBaseUrl=https://example.com</c>, which only serving takes.</summary>
    public string[] Settings { get; }

    /// <summary>The command; null when the service is to be served.</summary>
    public OperatorCommand? Command => parsed?.CommandResult.Command as OperatorCommand;

    /// <summary>Whether a mistake, <c>--help</c> or <c>--version</c> is to be answered, without the service.</summary>
    public bool IsAnswer => parsed is { Errors.Count: > 0 } or { Action: not null and not CommandAction };

    public static CommandLine Parse(string[] args) =>
        args is [Serve, .. var settings] && !settings.Any(IsQuestion) ? new(null, settings)
        : args.Length == 0 || (args[0] is ['-' or '/', ..] && !IsQuestion(args[0])) ? new(null, args)
        : new(Root(mayBeginWithHyphens: args.Contains("--")).Parse(args), []);

    /// <summary>Answers without the service; returns the exit code.</summary>
    public async Task<int> AnswerAsync() => await parsed!.InvokeAsync() == 0 ? 0 : Misused;

    /// <summary>Runs the command; an interruption by signal cancels it.</summary>
    public async Task<int> RunAsync(IServiceProvider services, TextWriter output, TextReader? terminal)
    {
        var interruption = CancellationToken.None;
        ((CommandAction)parsed!.Action!).Work = ct => Command!.RunAsync(new(parsed, services, output, terminal), interruption = ct);
        // Long work ends itself at a safe point.
        var configuration = new InvocationConfiguration
        {
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = Timeout.InfiniteTimeSpan,
        };
        try
        {
            return await parsed.InvokeAsync(configuration);
        }
        catch (StartException e)
        {
            await Console.Error.WriteLineAsync(e.Message);
            return Failed;
        }
        catch (Exception e) when (e is DatabaseUnusableException || DatabaseErrors.Sentence(e) is not null)
        {
            await Console.Error.WriteLineAsync(DatabaseErrors.Sentence(e) is { } said ? $"The database failed: {said}" : e.Message);
            return Failed;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            await Console.Error.WriteLineAsync($"A file cannot be used: {e.Message}");
            return Failed;
        }
        catch (OperationCanceledException) when (!interruption.IsCancellationRequested)
        {
            await Console.Error.WriteLineAsync("Something did not answer in time.");
            return Failed;
        }
        catch (OperationCanceledException)
        {
            await Console.Error.WriteLineAsync("Interrupted.");
            return Interrupted;
        }
    }

    static bool IsQuestion(string word) => word is "-h" or "-?" or "/?" or "/h" or "--help" or "--version";

    static RootCommand Root(bool mayBeginWithHyphens)
    {
        var root = new RootCommand("Profiles: accounts, profiles and profile images over REST. Without a command it serves.")
        {
            new Command(Serve, "Serves the API. Settings are environment variables or --Name=value (docs/settings.md)."),
        };
        var groups = new Dictionary<string, Command> { [""] = root };
        var types = typeof(CommandLine).Assembly.GetTypes().Where(t => t.IsSubclassOf(typeof(OperatorCommand)) && !t.IsAbstract);
        foreach (var command in types.Select(t => (OperatorCommand)Activator.CreateInstance(t)!)
            .OrderBy(c => $"{c.Group} {c.Name}", StringComparer.Ordinal))
        {
            command.Action = new CommandAction();
            if (!mayBeginWithHyphens)
                command.Validators.Add(RefuseOptions);
            if (!groups.TryGetValue(command.Group, out var group))
                root.Add(groups[command.Group] = group = new(command.Group, $"Commands about {command.Group.Replace('-', ' ')}."));
            group.Add(command);
        }
        var help = root.Options.OfType<HelpOption>().Single();
        help.Action = new Help((HelpAction)help.Action!);
        return root;
    }

    // A mistyped option would otherwise be taken as what it was not meant to be.
    static void RefuseOptions(CommandResult result)
    {
        var words = result.Children.OfType<ArgumentResult>().SelectMany(a => a.Tokens).Select(t => t.Value);
        foreach (var word in words.Where(w => w.StartsWith("--", StringComparison.Ordinal)))
            result.AddError($"There is no option {word}.");
    }

    // Knows its work only once there is a service.
    sealed class CommandAction : AsynchronousCommandLineAction
    {
        public Func<CancellationToken, Task<int>> Work { get; set; } = _ => Task.FromResult(Failed);

        // The library listens for signals only once it has the task, which work on SQLite would not return before its end.
        public override Task<int> InvokeAsync(ParseResult parseResult, CancellationToken cancellationToken = default) =>
            Task.Run(() => Work(cancellationToken), CancellationToken.None);
    }

    sealed class Help(HelpAction inner) : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            var result = inner.Invoke(parseResult);
            if (parseResult.CommandResult.Command is not OperatorCommand { Examples.Count: > 0 } command)
                return result;
            var output = parseResult.InvocationConfiguration.Output;
            output.WriteLine("Examples:");
            foreach (var example in command.Examples)
                output.WriteLine($"  {example}");
            output.WriteLine();
            return result;
        }
    }
}
