using FluentValidation;
using FluentValidation.Validators;

namespace Profiles.Infrastructure.Validation;

/// <summary>Rules for texts that also describe themselves in the API document.</summary>
static class TextRules
{
    /// <summary>The control characters that no stored text may contain, as JSON Schema writes them.</summary>
    public const string Controls = @"\u0000-\u001f\u007f-\u009f";

    const string WithoutNulForm = @"^[^\u0000]*$";

    /// <summary>The text is not empty; blanks count.</summary>
    public static IRuleBuilderOptions<T, string?> Given<T>(this IRuleBuilder<T, string?> rule) => rule.SetValidator(new GivenRule<T>());

    /// <summary>The text has this many code points.</summary>
    /// <param name="rule">The rules before this one.</param>
    /// <param name="min">The minimum.</param>
    /// <param name="max">The maximum; -1 when only the body's size limits it.</param>
    /// <param name="count">Counts something else than the text's code points.</param>
    public static IRuleBuilderOptions<T, string?> Characters<T>(
        this IRuleBuilder<T, string?> rule, int min, int max, Func<string, int>? count = null) =>
        rule.SetValidator(new LengthRule<T>(min, max, count ?? CodePoints));

    /// <summary>The text has a form. The document shows the ECMA 262 expression; <paramref name="holds"/> decides.</summary>
    public static IRuleBuilderOptions<T, string?> Pattern<T>(
        this IRuleBuilder<T, string?> rule, string expression, Func<string, bool> holds) =>
        rule.SetValidator(new PatternRule<T>(expression, holds));

    /// <summary>The text has no NUL, which neither PostgreSQL nor bcrypt accepts.</summary>
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
