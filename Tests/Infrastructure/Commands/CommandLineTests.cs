using System.Text.RegularExpressions;
using Profiles.Infrastructure.Commands;

namespace Profiles.Tests.Infrastructure.Commands;

/// <summary>What the program makes of its arguments, before there is a service.</summary>
// The database plays no part: one engine is enough.
[Trait("Database", "Sqlite")]
public sealed partial class CommandLineTests
{
    static readonly OperatorCommand[] Commands =
    [
        .. typeof(OperatorCommand).Assembly.GetTypes().Where(t => t.IsSubclassOf(typeof(OperatorCommand)) && !t.IsAbstract)
            .Select(t => (OperatorCommand)Activator.CreateInstance(t)!),
    ];

    [Fact]
    public async Task Every_command_explains_itself_with_examples_that_are_valid()
    {
        Commands.Length.ShouldBeGreaterThan(20);
        foreach (var command in Commands)
        {
            string[] path = [.. command.Group.Split(' ', StringSplitOptions.RemoveEmptyEntries), command.Name];
            var (exitCode, output) = await AnswerAsync([.. path, "--help"]);
            exitCode.ShouldBe(0, output);
            output.ShouldContain(command.Description!.Split(' ')[0]);
            foreach (var example in command.Examples)
                output.ShouldContain(example);
            // Others show what to do with the result.
            var calls = command.Examples.Where(e => e.StartsWith($"Profiles {string.Join(' ', path)}", StringComparison.Ordinal)).ToArray();
            calls.ShouldNotBeEmpty(string.Join(' ', path));
            foreach (var example in calls)
            {
                var parsed = CommandLine.Parse([.. Words(example).Skip(1)]);
                parsed.IsAnswer.ShouldBeFalse(example);
                parsed.Command.ShouldBeOfType(command.GetType(), example);
            }
        }
    }

    [Fact]
    public async Task The_help_of_the_program_lists_the_commands()
    {
        var (exitCode, output) = await AnswerAsync("--help");
        exitCode.ShouldBe(0);
        foreach (var name in Commands.Select(c => c.Group.Length > 0 ? c.Group : c.Name).Append("serve"))
            output.ShouldContain($"\n  {name}");
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("users")]
    [InlineData("users", "nonsense")]
    [InlineData("users", "show")]
    [InlineData("users", "show", "john@example.com", "extra")]
    [InlineData("check", "--nonsense")]
    [InlineData("backup")]
    public async Task A_mistake_is_answered_with_2_and_runs_nothing(params string[] arguments)
    {
        var (exitCode, output) = await AnswerAsync(arguments);
        exitCode.ShouldBe(CommandLine.Misused);
        output.ShouldContain("--help");
    }

    [Theory]
    [InlineData(new string[0], new string[0])]
    [InlineData(new[] { "serve" }, new string[0])]
    [InlineData(new[] { "--PublicBaseUrl=https://example.com" }, new[] { "--PublicBaseUrl=https://example.com" })]
    [InlineData(new[] { "serve", "--urls", "http://localhost:1" }, new[] { "--urls", "http://localhost:1" })]
    public void Without_a_command_it_serves_with_the_settings_of_the_arguments(string[] arguments, string[] settings)
    {
        var parsed = CommandLine.Parse(arguments);
        (parsed.IsAnswer, parsed.Command).ShouldBe((false, null));
        parsed.Settings.ShouldBe(settings);
    }

    static Task<(int ExitCode, string Output)> AnswerAsync(params string[] arguments) => CapturedConsole.OfAsync(async () =>
    {
        var parsed = CommandLine.Parse(arguments);
        parsed.IsAnswer.ShouldBeTrue();
        return await parsed.AnswerAsync();
    });

    // As a shell splits them, as far as the examples go.
    static IEnumerable<string> Words(string line) => Substitution().Replace(line, "now").Split('"')
        .SelectMany((part, i) => i % 2 == 1 ? [part] : part.Split(' ', StringSplitOptions.RemoveEmptyEntries));

    [GeneratedRegex(@"\$\([^)]*\)")]
    private static partial Regex Substitution();
}
