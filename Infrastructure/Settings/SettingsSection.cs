using System.Reflection;

namespace Profiles.Infrastructure.Settings;

/// <summary>A section of the settings and one of the classes whose properties are its settings.</summary>
/// <param name="Name">Empty for the settings of the service as a whole.</param>
/// <param name="Type">The class.</param>
sealed record SettingsSection(string Name, Type Type)
{
    public IEnumerable<PropertyInfo> Properties => Type.GetProperties().Where(p => p.CanWrite);

    /// <summary>Its key in the configuration.</summary>
    public string Path => Name.Replace("__", ConfigurationPath.KeyDelimiter, StringComparison.Ordinal);

    /// <summary>The setting's name as an environment variable.</summary>
    public string NameOf(string property) => Name.Length == 0 ? property : $"{Name}__{property}";
}
