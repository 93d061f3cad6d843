using Microsoft.Extensions.DependencyInjection;
using Profiles.Infrastructure.Commands;

namespace Profiles.Tests;

/// <summary>Runs commands of the operator in the test process, with the services of a fixture.</summary>
static class Operator
{
    /// <summary>Runs a command as an operator would beside the service.</summary>
    /// <returns>The exit code, the result, and what was written to the standard error.</returns>
    public static Task<(int ExitCode, string Output, string Error)> RunAsync(this ServiceFixture fixture, params string[] arguments) =>
        fixture.RunAsync(terminal: null, arguments);

    /// <summary>The same with what the operator types on a terminal.</summary>
    public static async Task<(int ExitCode, string Output, string Error)> RunAsync(
        this ServiceFixture fixture, string? terminal, string[] arguments)
    {
        using var output = new StringWriter();
        using var typed = terminal is null ? null : new StringReader(terminal);
        var (exitCode, error) = await CapturedConsole.OfAsync(async () =>
        {
            var command = CommandLine.Parse(arguments);
            if (command.IsAnswer)
                return await command.AnswerAsync();
            using var scope = fixture.Services.CreateScope();
            return await command.RunAsync(scope.ServiceProvider, output, typed);
        });
        return (exitCode, output.ToString(), error);
    }
}
