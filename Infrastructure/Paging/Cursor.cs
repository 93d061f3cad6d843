using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Profiles.Infrastructure.Paging;

/// <summary>Where a list continues. Its text is base64url, which no client reads.</summary>
/// <param name="Part">The part of the list, as a letter.</param>
/// <param name="After">The key of the last entry of the previous page, in ASCII; empty before the part's first.</param>
sealed record Cursor(char Part, string After)
{
    /// <param name="text">The text of <see cref="ToString"/>, as a client sent it.</param>
    /// <param name="parts">The letters of the list's parts.</param>
    /// <param name="cursor">The cursor; null when it is none of this list.</param>
    public static bool TryParse(string text, string parts, [NotNullWhen(true)] out Cursor? cursor)
    {
        var bytes = text.Length <= Page.CursorMaxLength && Base64Url.IsValid(text) ? Base64Url.DecodeFromChars(text) : [];
        cursor = bytes is [var part, ..] && parts.Contains((char)part) && bytes.All(b => b is > 0x20 and < 0x7f)
            ? new((char)part, Encoding.ASCII.GetString(bytes.AsSpan(1))) : null;
        return cursor is not null;
    }

    /// <summary>Reads the request's cursor, which is null when it has none; false when it is not valid.</summary>
    public static bool TryRead(HttpContext context, string parts, out Cursor? cursor)
    {
        cursor = null;
        var texts = context.Request.Query["cursor"];
        return texts.Count == 0 || (texts is [{ } text] && TryParse(text, parts, out cursor));
    }

    public override string ToString() => Base64Url.EncodeToString(Encoding.ASCII.GetBytes(Part + After));
}
