using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Microsoft.Extensions.Primitives;

namespace Profiles.Features.IntrospectToken;

/// <summary>The admin key of a request: <c>Bearer</c> and the key (RFC 6750), or <c>Basic</c> with its name (RFC 7617).</summary>
/// <param name="Key">As it was sent.</param>
/// <param name="Name">Null without a name.</param>
sealed record IntrospectTokenCredentials(string Key, string? Name)
{
    const string Realm = "realm=\"introspection\"";

    /// <summary>Null when there is no key.</summary>
    public static IntrospectTokenCredentials? Read(StringValues headers)
    {
        if (headers is not [{ } header] || !AuthenticationHeaderValue.TryParse(header, out var sent) || sent.Parameter is not { } value)
            return null;
        if (sent.Scheme.Equals("Bearer", StringComparison.OrdinalIgnoreCase))
            return new(value, null);
        var bytes = new byte[value.Length];
        if (!sent.Scheme.Equals("Basic", StringComparison.OrdinalIgnoreCase) || !Convert.TryFromBase64String(value, bytes, out var length))
            return null;
        // A name may have colons, a key has none.
        var pair = Encoding.UTF8.GetString(bytes.AsSpan(..length));
        return pair.LastIndexOf(':') is >= 0 and var colon ? new(pair[(colon + 1)..], pair[..colon]) : null;
    }

    /// <summary>The challenge of a refusal, of the scheme that was tried (RFC 6749, 5.2).</summary>
    public static StringValues Challenge(IntrospectTokenCredentials? tried) =>
        tried switch
        {
            { Name: null } => $"Bearer {Realm}, error=\"invalid_token\"",
            { } => $"Basic {Realm}, charset=\"UTF-8\"",
            null => $"Bearer {Realm}",
        };

    /// <summary>Whether the name that was sent, if any, is the key's. OAuth clients encode it as in a form (RFC 6749, 2.3.1).</summary>
    public bool IsNamed(string name) => Name is null || Name == name || WebUtility.UrlDecode(Name) == name;
}
