using System.Buffers;
using System.Text;

namespace Profiles.Infrastructure.Http;

/// <summary>A header's value with parameters behind it: <c>value; name=value; name="value"</c> (RFC 9110, 5.6.6).</summary>
static class HeaderParameters
{
    // RFC 9110, 5.6.2.
    static readonly SearchValues<char> Token = SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    public static bool IsToken(ReadOnlySpan<char> text) => text.Length > 0 && !text.ContainsAnyExcept(Token);

    /// <summary>
    /// The parameters by their names, whose case has no meaning; of two with one name the first. Null when a value has text behind its end or no end, or a name is none.
    /// </summary>
    /// <param name="header">The header's value.</param>
    /// <param name="value">What stands before the parameters.</param>
    /// <param name="patient">Takes values that ought to be quoted, and passes over what is no parameter: hand-written clients send file names so.</param>
    public static Dictionary<string, string>? Read(ReadOnlySpan<char> header, out string value, bool patient = false)
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
                if (!patient)
                    return null;
                rest = semicolon < 0 ? [] : rest[semicolon..];
                continue;
            }
            var name = rest[..equals].Trim(" \t");
            if (!IsToken(name) || ReadValue(rest[(equals + 1)..].TrimStart(" \t"), patient, out var length) is not { } text)
                return null;
            parameters.TryAdd(name.ToString(), text);
            rest = rest[(equals + 1)..].TrimStart(" \t")[length..];
        }
        return parameters;
    }

    static string? ReadValue(ReadOnlySpan<char> text, bool patient, out int length)
    {
        if (text is not ['"', ..])
        {
            length = text.IndexOf(';') is >= 0 and var end ? end : text.Length;
            var bare = text[..length].Trim(" \t");
            return patient || bare.Length == 0 || IsToken(bare) ? bare.ToString() : null;
        }
        var unquoted = new StringBuilder();
        for (length = 1; length < text.Length && text[length] != '"'; length++)
        {
            // Only what must be escaped is: Windows' own separator stands in file names.
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
