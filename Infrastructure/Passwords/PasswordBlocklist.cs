using System.Collections.Frozen;
using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Errors;

namespace Profiles.Infrastructure.Passwords;

/// <summary>
/// Refuses the passwords that an attacker tries first: common ones, the user's own address, the product's name (OWASP ASVS 6.2.4, 6.2.11).
/// </summary>
sealed class PasswordBlocklist(IOptions<PasswordOptions> options)
{
    const string Resource = "common-passwords.txt", Product = "profiles";

    // Read on first use: never when the blocklist is off.
    static readonly Lazy<FrozenSet<string>> Common = new(Read);

    readonly bool isEnabled = options.Value.Blocklist!.Value;

    /// <summary>Why the password is refused for the user of this address, if there is one; null when it is allowed.</summary>
    public ErrorCode? Refusal(string password, string? email)
    {
        if (!isEnabled)
            return null;
        var address = email?.Trim() ?? "";
        if (Is(password, address) || Is(password, address[..Math.Max(address.IndexOf('@'), 0)]))
            return ErrorCodes.PasswordIsEmail;
        if (Is(password, Product))
            return ErrorCodes.PasswordIsServiceName;
        return Common.Value.Contains(password.ToLowerInvariant()) ? ErrorCodes.PasswordTooCommon : null;
    }

    // Ignores digits and signs around the word.
    static bool Is(string password, string word) =>
        (word.Length > 0 && password.Equals(word, StringComparison.OrdinalIgnoreCase))
            || (!Core(word).IsEmpty && Core(password).Equals(Core(word), StringComparison.OrdinalIgnoreCase));

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
