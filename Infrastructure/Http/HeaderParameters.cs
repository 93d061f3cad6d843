using System.Buffers;
using System.Text;

namespace Profiles.Infrastructure.Http;

/// <summary>Parses a header value with parameters: <c>value; name=value; name="value"</c> (RFC 9110, 5.6.6).</summary>
static class HeaderParameters
{
    // RFC 9110, 5.6.2.
    static readonly SearchValues<char> Token =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    public static bool IsToken(ReadOnlySpan<char> text) => text.Length > 0 && !text.ContainsAnyExcept(Token);

    /// <summary>
    /// Reads the parameters by their case-insensitive names; the first of two with one name counts. Null when a quoted value is not closed
    /// or has text after it, or a name is no token.
    /// </summary>
    /// <param name="header">The header's value.</param>
    /// <param name="value">The text before the parameters.</param>
    /// <param name="lenient">
    /// Accepts values that should be quoted and skips what is no parameter, because hand-written clients send file names so.
    /// </param>
    public static Dictionary<string, string>? Read(ReadOnlySpan<char> header, out string value, bool lenient = false)
    {
        var parameters = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        var end = header.IndexOf(';');
        value = (end < 0 ? header : header[..end]).Trim(" \t").ToString();
        var rest = end < 0 ? [] : header[(end + 1)..];
        while ((rest = rest.TrimStart(" \t;")).Length > 0)
        {
            var equals = rest.IndexOf('=');
            var semicolon = rest.IndexOf(';');
            if (equals < 0 || (semicolon >= 0 && semicolon < equals))
            {
                if (!lenient)
                    return null;
                rest = semicolon < 0 ? [] : rest[semicolon..];
                continue;
            }
            var name = rest[..equals].Trim(" \t");
            if (!IsToken(name) || ReadValue(rest[(equals + 1)..].TrimStart(" \t"), lenient, out var length) is not { } text)
                return null;
            parameters.TryAdd(name.ToString(), text);
            rest = rest[(equals + 1)..].TrimStart(" \t")[length..];
        }
        return parameters;
    }

    static string? ReadValue(ReadOnlySpan<char> text, bool lenient, out int length)
    {
        if (text is not ['"', ..])
        {
            length = text.IndexOf(';') is >= 0 and var end ? end : text.Length;
            var bare = text[..length].Trim(" \t");
            return lenient || bare.Length == 0 || IsToken(bare) ? bare.ToString() : null;
        }
        var unquoted = new StringBuilder();
        for (length = 1; length < text.Length && text[length] != '"'; length++)
        {
            // Only quotes and backslashes are escaped: a single backslash is Windows' separator in a file name.
            if (text[length] == '\\' && length + 1 < text.Length && text[length + 1] is '"' or '\\')
                length++;
            unquoted.Append(text[length]);
        }
        if (length == text.Length)
            return null;
        length++;
        if (text[length..].TrimStart(" \t") is not ([] or [';', ..]))
            return null;
        return unquoted.ToString();
    }
}
