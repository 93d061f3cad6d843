namespace Profiles.Infrastructure.Settings;

/// <summary>Why the service cannot start, in a sentence for whoever starts it: it names the setting at fault and never its value.</summary>
public sealed class StartException(string message) : Exception(message);
