using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Profiles.Features.FindUsers;

/// <summary>Where a list continues. Its text is base64url, which no client reads.</summary>
/// <param name="ByUsername">Whether the addresses that begin with the query are all listed, and usernames follow.</param>
/// <param name="After">The last address or username of the previous page.</param>
sealed record FindUsersCursor(bool ByUsername, string After)
{
    // AfterExact is before every address and not the start, which lists the exact matches.
    public static readonly FindUsersCursor Start = new(false, ""), AfterExact = new(false, " ");

    public static bool TryParse(string text, [NotNullWhen(true)] out FindUsersCursor? cursor)
    {
        var bytes = Base64Url.IsValid(text) ? Base64Url.DecodeFromChars(text) : [];
        // Addresses and usernames are ASCII.
        cursor = bytes is [(byte)'a' or (byte)'u', _, ..] && bytes.All(b => b is >= 0x20 and < 0x7f)
            ? new(bytes[0] == 'u', Encoding.ASCII.GetString(bytes.AsSpan(1))) : null;
        return cursor is not null;
    }

    public override string ToString() => Base64Url.EncodeToString(Encoding.ASCII.GetBytes((ByUsername ? 'u' : 'a') + After));
}
