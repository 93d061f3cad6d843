using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Profiles.Infrastructure.Commands;

/// <summary>One run of an <see cref="OperatorCommand"/>.</summary>
/// <param name="Arguments">Its arguments and options.</param>
/// <param name="Services">A scope of the service's own services; the background ones do not run.</param>
/// <param name="Output">Where its result goes. Failures go to the standard error.</param>
/// <param name="Terminal">Where the operator types answers; null when nobody does.</param>
sealed record CommandRun(ParseResult Arguments, IServiceProvider Services, TextWriter Output, TextReader? Terminal)
{
    static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public T Get<T>() where T : notnull => Services.GetRequiredService<T>();

    /// <summary>The option <c>--json</c> of a command that lists or shows something.</summary>
    public static Option<bool> JsonOption() => new("--json") { Description = "Writes JSON, for programs." };

    /// <summary>Writes the result for programs.</summary>
    public Task WriteJsonAsync<T>(T result) => Output.WriteLineAsync(JsonSerializer.Serialize(result, Json));

    /// <summary>Reports a failure; returns the exit code.</summary>
    public static async Task<int> FailAsync(string sentence)
    {
        await Console.Error.WriteLineAsync(sentence);
        return CommandLine.Failed;
    }

    /// <summary>Asks before something that cannot be undone; false also when nobody can answer.</summary>
    public async Task<bool> ConfirmAsync(string question, CancellationToken ct)
    {
        if (Terminal is null)
            return false;
        await Output.WriteAsync($"{question} [y/N] ");
        await Output.FlushAsync(ct);
        return (await Terminal.ReadLineAsync(ct))?.Trim() is "y" or "Y" or "yes";
    }
}
