using Microsoft.Extensions.Options;

namespace Profiles.Infrastructure.Settings;

/// <summary>Reads settings and validates them at the start. Each concern adds its own section.</summary>
static class SettingsSetup
{
    /// <summary>Adds the settings of the service as a whole.</summary>
    public static IServiceCollection AddSettings(this IServiceCollection services)
    {
        services.AddSection<ServiceOptions>("")
            .PostConfigure<IHostEnvironment>((o, environment) =>
            {
                o.DataDirectory = Path.GetFullPath(o.DataDirectory, environment.ContentRootPath);
                o.PublicBaseUrl = o.PublicBaseUrl?.TrimEnd('/');
            })
            .Validate(
                o => o.AllowedHostList?.Length != 0 && o.AllowedHostList?.All(IsHost) != false,
                "AllowedHosts must be host names, separated by semicolons.")
            .Validate<IHostEnvironment>(
                (o, environment) => o.PublicBaseUrl is not null || environment.IsDevelopment(),
                "PublicBaseUrl must be set in every environment but Development: addresses in answers begin with it.");
        return services;
    }

    static bool IsHost(string name)
    {
        try
        {
            return new HostString(name).ToUriComponent().Length > 0;
        }
        catch (ArgumentException)
        {
            // It has no form in punycode.
            return false;
        }
    }

    /// <summary>Binds options to a section, which other options may share, and validates their attributes at the start.</summary>
    public static OptionsBuilder<T> AddSection<T>(this IServiceCollection services, string name) where T : class
    {
        var section = new SettingsSection(name, typeof(T));
        services.AddSingleton(section).AddSingleton<IValidateOptions<T>>(new SettingsValidator<T>(section));
        return services.AddOptions<T>()
            .Configure<IConfiguration, IEnumerable<SettingsSection>>((o, configuration, all) => Read(o, section, configuration, all))
            .ValidateOnStart();
    }

    // Binds property by property, because the binder's own message shows the value that it could not convert.
    public static void Read(object options, SettingsSection section, IConfiguration configuration, IEnumerable<SettingsSection> all)
    {
        var values = section.Name.Length == 0 ? configuration : configuration.GetSection(section.Path);
        var known = all.Where(s => s.Name == section.Name).SelectMany(s => s.Properties).Select(p => p.Name)
            .ToHashSet(StringComparer.OrdinalIgnoreCase);
        if (section.Name.Length > 0 && values.GetChildren().FirstOrDefault(c => !known.Contains(c.Key)) is { } unknown)
            throw new StartException($"{section.Name}__{unknown.Key} is not a setting.");
        foreach (var property in section.Properties)
        {
            var (name, isList) = (section.NameOf(property.Name), property.PropertyType == typeof(IReadOnlyList<string>));
            if (isList && values.GetSection(property.Name).GetChildren().Select(c => c.Value).ToArray() is { Length: > 0 } items)
            {
                if (Array.FindIndex(items, string.IsNullOrWhiteSpace) is >= 0 and var empty)
                    throw new StartException($"{name}__{empty} is empty.");
                property.SetValue(options, items);
                continue;
            }
            if (values[property.Name] is not { } value)
                continue;
            // An empty value where the default is not empty: probably an unset variable.
            if (value.Length == 0 && property.GetValue(options) is not "")
                throw new StartException($"{name} is empty.");
            try
            {
                property.SetValue(options, isList ? value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                    : values.GetSection(property.Name).Get(property.PropertyType)
                    ?? throw new StartException($"{name} is empty."));
            }
            catch (InvalidOperationException)
            {
                throw new StartException($"{name} is not a valid value for this setting.");
            }
        }
    }
}
