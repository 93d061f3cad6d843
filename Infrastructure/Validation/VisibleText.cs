using System.Globalization;
using System.Text;

namespace Profiles.Infrastructure.Validation;

/// <summary>
/// Finds text that shows nothing, or shows something else than it contains (Unicode Standard, 5.21 and 23; UTS 39).
/// </summary>
static class VisibleText
{
    // Unicode letters and symbols that are drawn as nothing: Hangul fillers, the empty Braille cell, a notehead, two hieroglyphic blanks.
    static readonly int[] Blank = [0x115F, 0x1160, 0x2800, 0x3164, 0xFFA0, 0x1D159, 0x13441, 0x13442];

    const int BlackFlag = 0x1F3F4, CancelTag = 0xE007F;

    /// <summary>Whether at least one character is visible and is not a combining mark.</summary>
    public static bool IsVisible(string text) => text.EnumerateRunes().Any(r => !Blank.Contains(r.Value) && Rune.GetUnicodeCategory(r) is
        UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
        or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter
        or UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber
        or UnicodeCategory.MathSymbol or UnicodeCategory.CurrencySymbol or UnicodeCategory.ModifierSymbol or UnicodeCategory.OtherSymbol
        or (>= UnicodeCategory.ConnectorPunctuation and <= UnicodeCategory.OtherPunctuation));

    /// <summary>Whether there are control characters or line separators.</summary>
    public static bool HasControls(string text) => text.Any(c => char.IsControl(c) || c is '\u2028' or '\u2029');

    /// <summary>
    /// Whether there are embeddings, overrides or isolates, which change the direction of the text after them, or tag characters outside
    /// flags. Marks and joiners, which scripts and emoji need, do not count.
    /// </summary>
    public static bool Misleads(string text)
    {
        // Inside a flag's tags; right after a black flag, which may have tags.
        var (isOpen, mayOpen) = (false, false);
        foreach (var rune in text.EnumerateRunes())
        {
            var isTag = rune.Value is >= 0xE0000 and <= CancelTag;
            if (rune.Value is (>= 0x202A and <= 0x202E) or (>= 0x2066 and <= 0x2069) || (isTag ? !isOpen && !mayOpen : isOpen))
                return true;
            (isOpen, mayOpen) = (isTag && rune.Value != CancelTag, rune.Value == BlackFlag);
        }
        return isOpen;
    }
}
