using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Identities;

/// <summary>The settings of the issuers besides Apple and Google, by their names.</summary>
sealed class ConfiguredIssuers : Dictionary<string, IssuerOptions>, IValidateOptions<ConfiguredIssuers>
{
    const string Root = "Identities", Providers = "Providers";

    /// <summary>The section of one, for which the page of settings has a placeholder.</summary>
    public static SettingsSection SectionOf(string name) => new($"{Root}__{Providers}__{name}", typeof(IssuerOptions));

    public void Read(IConfiguration configuration)
    {
        var root = configuration.GetSection(Root);
        if (root.GetChildren().FirstOrDefault(c => !IsKnown(c.Key)) is { } unknown)
            throw new StartException($"{Root}__{unknown.Key} is not a setting.");
        foreach (var name in root.GetSection(Providers).GetChildren().Select(c => c.Key))
        {
            if (!IdentityProvider.IsName(name) || name is IdentityProvider.Apple or IdentityProvider.Google)
                throw new StartException(
                    $"{Root}__{Providers}__<name>: a name is up to 50 lower-case letters, digits, hyphens and underscores, and not apple "
                        + "or google.");
            var (issuer, section) = (new IssuerOptions(), SectionOf(name));
            SettingsSetup.Read(issuer, section, configuration, [section]);
            Add(name, issuer);
        }
    }

    public ValidateOptionsResult Validate(string? name, ConfiguredIssuers options)
    {
        var failures = options
            .SelectMany(i => new SettingsValidator<IssuerOptions>(SectionOf(i.Key)).Validate(name, i.Value).Failures ?? []).ToArray();
        return failures.Length == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }

    static bool IsKnown(string key) => new[] { "Apple", "Google", Providers }.Contains(key, StringComparer.OrdinalIgnoreCase);
}
