using System.CommandLine;

namespace Profiles.Infrastructure.Commands;

/// <summary>One run of an <see cref="OperatorCommand"/>.</summary>
/// <param name="Arguments">Its arguments and options.</param>
/// <param name="Services">A scope of the service's own services; the background ones do not run.</param>
/// <param name="Output">Where its result goes. Failures go to the standard error.</param>
sealed record CommandRun(ParseResult Arguments, IServiceProvider Services, TextWriter Output)
{
    public T Get<T>() where T : notnull => Services.GetRequiredService<T>();
}
