using System.ComponentModel.DataAnnotations;
using System.Reflection;
using Microsoft.Extensions.Options;

namespace Profiles.Infrastructure.Settings;

/// <summary>
/// Validates settings by the attributes of their properties, in sentences that name the setting and never show its value.
/// </summary>
sealed class SettingsValidator<T>(SettingsSection section) : IValidateOptions<T> where T : class
{
    public ValidateOptionsResult Validate(string? name, T options)
    {
        var failures = section.Properties.SelectMany(p => Failures(p, p.GetValue(options))).ToArray();
        return failures.Length == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }

    IEnumerable<string> Failures(PropertyInfo property, object? value)
    {
        var setting = section.NameOf(property.Name);
        // The binder accepts any number for an enum.
        if (value is Enum choice && !Enum.IsDefined(choice.GetType(), choice))
            yield return $"{setting} must be {Choices(Enum.GetNames(choice.GetType()))}.";
        foreach (var rule in property.GetCustomAttributes<ValidationAttribute>().Where(r => !r.IsValid(value)))
            yield return Sentence(setting, rule);
    }

    static string Choices(string[] names) => $"{string.Join(", ", names[..^1])} or {names[^1]}";

    static string Sentence(string setting, ValidationAttribute rule) => rule switch
    {
        RangeAttribute { ErrorMessage: null } range =>
            FormattableString.Invariant($"{setting} must be between {range.Minimum} and {range.Maximum}."),
        StringLengthAttribute { ErrorMessage: null } length =>
            FormattableString.Invariant($"{setting} must be {length.MinimumLength} to {length.MaximumLength} characters."),
        _ => rule.FormatErrorMessage(setting),
    };
}
