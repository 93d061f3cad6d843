namespace Profiles.Infrastructure.Settings;

/// <summary>A setting makes no sense: the message names it and never its value. Stops the start.</summary>
public sealed class SettingException(string message) : Exception(message);
