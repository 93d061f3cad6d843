using Microsoft.Extensions.Options;

namespace Profiles.Infrastructure.Settings;

/// <summary>Reads settings and refuses those that make no sense, before anything is served: each concern adds its own section.</summary>
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
            .Validate<IHostEnvironment>(
                (o, environment) => o.PublicBaseUrl is not null || environment.IsDevelopment(),
                "PublicBaseUrl must be set in every environment but Development: addresses in answers begin with it.");
        return services;
    }

    /// <summary>Binds options to a section, which other options may share, and validates them at the start by their attributes.</summary>
    public static OptionsBuilder<T> AddSection<T>(this IServiceCollection services, string name) where T : class
    {
        var own = new SettingsSection(name, typeof(T));
        services.AddSingleton(own).AddSingleton<IValidateOptions<T>>(new SettingsValidator<T>(own));
        return services.AddOptions<T>()
            .Configure<IConfiguration, IEnumerable<SettingsSection>>((o, configuration, all) => Read(o, own, configuration, all))
            .ValidateOnStart();
    }

    // Property by property, because the binder's own message shows the value that it could not convert.
    static void Read(object options, SettingsSection own, IConfiguration configuration, IEnumerable<SettingsSection> all)
    {
        var values = own.Name.Length == 0 ? configuration : configuration.GetSection(own.Name);
        var known = all.Where(s => s.Name == own.Name).SelectMany(s => s.Properties).Select(p => p.Name)
            .ToHashSet(StringComparer.OrdinalIgnoreCase);
        if (own.Name.Length > 0 && values.GetChildren().FirstOrDefault(c => !known.Contains(c.Key)) is { } unknown)
            throw new StartException($"{own.Name}__{unknown.Key} is not a setting.");
        foreach (var property in own.Properties)
        {
            if (values[property.Name] is not { } value)
                continue;
            var name = own.NameOf(property.Name);
            // Set to nothing where nothing is no default: a variable that was forgotten.
            if (value.Length == 0 && property.GetValue(options) is not "")
                throw new StartException($"{name} is empty.");
            try
            {
                property.SetValue(options, values.GetSection(property.Name).Get(property.PropertyType)
                    ?? throw new StartException($"{name} is empty."));
            }
            catch (InvalidOperationException)
            {
                throw new StartException($"{name} is not a valid value for this setting.");
            }
        }
    }
}
