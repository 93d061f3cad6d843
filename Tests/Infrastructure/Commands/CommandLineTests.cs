using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
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
        var order = Commands.Where(c => c.Group.Length == 0).Select(c => c.Name).Order(StringComparer.Ordinal).ToArray();
        order.Select(name => output.IndexOf($"\n  {name} ", StringComparison.Ordinal)).ShouldBeInOrder();
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("users")]
    [InlineData("users", "nonsense")]
    [InlineData("users", "show")]
    [InlineData("users", "show", "john@example.com", "extra")]
    [InlineData("check", "--nonsense")]
    [InlineData("backup")]
    [InlineData("users", "find", "--nonsense")]
    [InlineData("users", "show", "--jsn")]
    [InlineData("webhooks", "remove", "--nonsense")]
    public async Task A_mistake_is_answered_with_2_and_runs_nothing(params string[] arguments)
    {
        var (exitCode, output) = await AnswerAsync(arguments);
        exitCode.ShouldBe(CommandLine.Misused);
        output.ShouldContain("--help");
    }

    [Fact]
    public void After_two_hyphens_a_word_is_no_option()
    {
        var parsed = CommandLine.Parse(["users", "find", "--", "--john@example.com"]);
        (parsed.IsAnswer, parsed.Command?.Name).ShouldBe((false, "find"));
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

    [Fact, Trait("Needs", "Process")]
    public async Task The_standard_output_of_a_command_is_its_result_and_the_log_is_elsewhere()
    {
        var data = TemporaryDirectory.Make("data");
        await using (var server = await ServerProcess.StartAsync(("DataDirectory", data)))
        {
            var john = new { name = "John", email = "john@example.com", password = "plum-tram-94" };
            await (await server.Client.PostAsJsonAsync("/register", john, TestContext.Current.CancellationToken))
                .ShouldBeAsync(HttpStatusCode.Created);
        }
        var (exitCode, result, log) = await RunAsync(data, "users", "disable", "john@example.com");
        (exitCode, result).ShouldBe((0, "User 1 (john@example.com) is disabled; all sessions have ended.\n"));
        log.ShouldContain("AccountDisabled");

        // Fields have the names of the file's members, also where no service has started.
        var file = Path.Combine(data, "users.jsonl");
        await File.WriteAllTextAsync(file, "{\"email\":\"a@example.com\",\"external_id\":\"\"}", TestContext.Current.CancellationToken);
        (exitCode, result, _) = await RunAsync(data, "users", "import", file, "--dry-run");
        exitCode.ShouldBe(CommandLine.Failed);
        result.ShouldContain("Line 1, name: A name is needed. (name_required)");
        result.ShouldContain("Line 1, external_id: ");
    }

    [Fact, Trait("Needs", "Process")]
    public async Task A_command_that_cannot_run_says_why_and_not_that_the_service_does_not_start() =>
        (await RunAsync(TemporaryDirectory.Make("data"), "users", "find"))
            .ShouldBe((CommandLine.Failed, "", "The database is missing or older than this program: run Profiles migrate.\n"));

    static async Task<(int ExitCode, string Result, string Log)> RunAsync(string data, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [typeof(Program).Assembly.Location, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["DataDirectory"] = data, ["ASPNETCORE_ENVIRONMENT"] = "Development" },
        };
        using var command = Process.Start(start)!;
        var log = command.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var result = await command.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await command.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (command.ExitCode, result, await log);
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
