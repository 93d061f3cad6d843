using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Identities;

/// <summary>The settings of the issuers besides Apple and Google, by their names.</summary>
sealed class ConfiguredIssuers : Dictionary<string, IssuerOptions>
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
                    $"{Root}__{Providers}__{name} is no name for a provider: up to 50 lower-case letters, digits, hyphens and underscores, "
                        + "and not apple or google.");
            var (issuer, section) = (new IssuerOptions(), SectionOf(name));
            SettingsSetup.Read(issuer, section, configuration, [section]);
            Add(name, issuer);
        }
    }

    static bool IsKnown(string key) => new[] { "Apple", "Google", Providers }.Contains(key, StringComparer.OrdinalIgnoreCase);
}

/// <summary>Validates each of them like any other section.</summary>
sealed class ConfiguredIssuersValidator(IHostEnvironment environment) : IValidateOptions<ConfiguredIssuers>
{
    public ValidateOptionsResult Validate(string? name, ConfiguredIssuers options)
    {
        var failures = options.SelectMany(i => Failures(ConfiguredIssuers.SectionOf(i.Key), i.Value)).ToArray();
        return failures.Length == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }

    IEnumerable<string> Failures(SettingsSection section, IssuerOptions issuer)
    {
        if (new SettingsValidator<IssuerOptions>(section).Validate(name: null, issuer).Failures is { } failures)
            return failures;
        return new[] { (nameof(IssuerOptions.Issuer), issuer.Issuer), (nameof(IssuerOptions.MetadataAddress), issuer.MetadataAddress) }
            .Where(a => a.Item2 is { } address && !ProviderClient.MayAsk(new(address), environment))
            .Select(a => ProviderClient.Refusal(section.NameOf(a.Item1)));
    }
}
