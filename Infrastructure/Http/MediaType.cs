namespace Profiles.Infrastructure.Http;

/// <summary>
/// A <c>Content-Type</c> as sent (RFC 9110, 8.3), parsed more leniently than the framework does: a parameter may be empty or have no value.
/// </summary>
/// <param name="Name">The type and subtype, in lower case.</param>
/// <param name="Boundary">The boundary of a form; null when there is none.</param>
readonly record struct MediaType(string Name, string? Boundary)
{
    /// <summary>JSON Merge Patch (RFC 7396).</summary>
    public const string MergePatch = "application/merge-patch+json";

    /// <summary>Null for what is no media type, such as a header that was set twice and joined.</summary>
    public static MediaType? Read(string? header)
    {
        var parameters = HeaderParameters.Read(header ?? "", out var name);
        var isType = name.Split('/') is [var type, var subtype] && HeaderParameters.IsToken(type) && HeaderParameters.IsToken(subtype);
        if (parameters is null || !isType)
            return null;
        // A boundary means nothing to other types, and is dropped.
        var boundary = name.StartsWith("multipart/", StringComparison.OrdinalIgnoreCase) ? parameters.GetValueOrDefault("boundary") : null;
        return new(name.ToLowerInvariant(), boundary);
    }

    /// <summary>The header as the framework writes it, without parameters that mean nothing here, such as a charset.</summary>
    public override string ToString() => Boundary is null ? Name : $"{Name}; boundary=\"{Escaped(Boundary)}\"";

    static string Escaped(string text) =>
        text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);
}
