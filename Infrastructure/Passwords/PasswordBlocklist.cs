using System.Collections.Frozen;
using Microsoft.Extensions.Options;

namespace Profiles.Infrastructure.Passwords;

/// <summary>Refuses the passwords that a stranger tries first: the commonest ones, the person's own address, this product's name (OWASP ASVS 6.2.4, 6.2.11).</summary>
sealed class PasswordBlocklist(IOptions<PasswordOptions> options)
{
    public const string TooCommon = "This password is one of the most common ones: a stranger would try it first.";

    public const string OwnAddress = "A password must not be your e-mail address, or the part of it before the @.";

    public const string OwnProduct = "A password must not be the name of this service.";

    const string Resource = "common-passwords.txt", Product = "profiles";

    // Read once it is needed: where the list is off, it never is.
    static readonly Lazy<FrozenSet<string>> Common = new(Read);

    readonly bool isOn = options.Value.Blocklist!.Value;

    /// <summary>Why the password is refused to who has this address, in a sentence; null when it is not.</summary>
    public string? Refusal(string password, string email)
    {
        if (!isOn)
            return null;
        var address = email.Trim();
        if (Is(password, address) || Is(password, address[..Math.Max(address.IndexOf('@'), 0)]))
            return OwnAddress;
        if (Is(password, Product))
            return OwnProduct;
        return Common.Value.Contains(password.ToLowerInvariant()) ? TooCommon : null;
    }

    // Digits and signs around a word make it no other word.
    static bool Is(string password, string word) =>
        (word.Length > 0 && password.Equals(word, StringComparison.OrdinalIgnoreCase)) || (!Core(word).IsEmpty && Core(password).Equals(Core(word), StringComparison.OrdinalIgnoreCase));

    static ReadOnlySpan<char> Core(string text)
    {
        var (start, end) = (0, text.Length);
        while (start < end && !char.IsLetter(text[start]))
            start++;
        while (end > start && !char.IsLetter(text[end - 1]))
            end--;
        return text.AsSpan(start, end - start);
    }

    static FrozenSet<string> Read()
    {
        using var list = new StreamReader(typeof(PasswordBlocklist).Assembly.GetManifestResourceStream(Resource)!);
        return list.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).ToFrozenSet(StringComparer.Ordinal);
    }
}
