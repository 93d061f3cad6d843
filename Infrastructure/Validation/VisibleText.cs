using System.Globalization;
using System.Text;

namespace Profiles.Infrastructure.Validation;

/// <summary>Tells text that people can read from text that shows nothing or shows something else (Unicode Standard, 5.21 and 23; UTS 39).</summary>
static class VisibleText
{
    // Letters and symbols to Unicode that are drawn as nothing: Hangul fillers, the empty Braille cell, a notehead and two blanks of hieroglyphs.
    static readonly int[] Blank = [0x115F, 0x1160, 0x2800, 0x3164, 0xFFA0, 0x1D159, 0x13441, 0x13442];

    const int BlackFlag = 0x1F3F4, CancelTag = 0xE007F;

    /// <summary>Whether at least one character is drawn that is no mark on another.</summary>
    public static bool IsVisible(string text) => text.EnumerateRunes().Any(r => !Blank.Contains(r.Value) && Rune.GetUnicodeCategory(r) is
        UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter
        or UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber
        or UnicodeCategory.MathSymbol or UnicodeCategory.CurrencySymbol or UnicodeCategory.ModifierSymbol or UnicodeCategory.OtherSymbol
        or (>= UnicodeCategory.ConnectorPunctuation and <= UnicodeCategory.OtherPunctuation));

    /// <summary>Whether there are control characters or separators of lines.</summary>
    public static bool HasControls(string text) => text.Any(c => char.IsControl(c) || c is '\u2028' or '\u2029');

    /// <summary>
    /// Whether there are embeddings, overrides and isolates, which turn what stands behind them, or tag characters outside the flags that are made of them. Marks and joiners, which
    /// scripts and emoji need, are none of these.
    /// </summary>
    public static bool Misleads(string text)
    {
        // Within a flag's tags; right behind a flag that may have some.
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
