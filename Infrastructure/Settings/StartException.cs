namespace Profiles.Infrastructure.Settings;

/// <summary>Stops the start with a sentence for the operator, which names the setting at fault and never its value.</summary>
public sealed class StartException(string message) : Exception(message);
