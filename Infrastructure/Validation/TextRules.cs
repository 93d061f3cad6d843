using FluentValidation;
using FluentValidation.Validators;

namespace Profiles.Infrastructure.Validation;

/// <summary>Rules for texts that say in the API's document what they ask for.</summary>
static class TextRules
{
    /// <summary>What no text that is kept may have in it, as JSON Schema writes it.</summary>
    public const string Controls = @"\u0000-\u001f\u007f-\u009f";

    const string WithoutNulForm = @"^[^\u0000]*$";

    /// <summary>There is a text, be it of blanks alone.</summary>
    public static IRuleBuilderOptions<T, string?> Given<T>(this IRuleBuilder<T, string?> rule) => rule.SetValidator(new GivenRule<T>());

    /// <summary>A text has so many code points.</summary>
    /// <param name="rule">The rules before this one.</param>
    /// <param name="min">The least.</param>
    /// <param name="max">The most; -1 where only the body's size bounds it.</param>
    /// <param name="count">What is counted where it is not the code points of the text as it was sent.</param>
    public static IRuleBuilderOptions<T, string?> Characters<T>(
        this IRuleBuilder<T, string?> rule, int min, int max, Func<string, int>? count = null) =>
        rule.SetValidator(new LengthRule<T>(min, max, count ?? CodePoints));

    /// <summary>A text has a form. The document says it as JSON Schema can (ECMA 262); what decides is <paramref name="holds"/>.</summary>
    public static IRuleBuilderOptions<T, string?> Pattern<T>(
        this IRuleBuilder<T, string?> rule, string expression, Func<string, bool> holds) =>
        rule.SetValidator(new PatternRule<T>(expression, holds));

    /// <summary>No database and no hash takes a NUL.</summary>
    public static IRuleBuilderOptions<T, string?> WithoutNul<T>(this IRuleBuilder<T, string?> rule) =>
        rule.SetValidator(new PatternRule<T>(WithoutNulForm, t => !t.Contains('\0')));

    public static int CodePoints(string text) => text.EnumerateRunes().Count();
}

/// <summary>See <see cref="TextRules.Given"/>.</summary>
sealed class GivenRule<T> : PropertyValidator<T, string?>, INotEmptyValidator
{
    public override string Name => nameof(TextRules.Given);

    public override bool IsValid(ValidationContext<T> context, string? value) => !string.IsNullOrEmpty(value);
}

/// <summary>See <see cref="TextRules.Characters"/>.</summary>
sealed class LengthRule<T>(int min, int max, Func<string, int> count) : PropertyValidator<T, string?>, ILengthValidator
{
    public override string Name => nameof(TextRules.Characters);

    public int Min => min;

    public int Max => max;

    public override bool IsValid(ValidationContext<T> context, string? value) =>
        value is null || (count(value) is var length && length >= min && (max < 0 || length <= max));
}

/// <summary>See <see cref="TextRules.Pattern"/>.</summary>
sealed class PatternRule<T>(string expression, Func<string, bool> holds) : PropertyValidator<T, string?>, IRegularExpressionValidator
{
    public override string Name => nameof(TextRules.Pattern);

    public string Expression => expression;

    public override bool IsValid(ValidationContext<T> context, string? value) => value is null || holds(value);
}
