namespace Profiles.Infrastructure.Http;

/// <summary>
/// A <c>Content-Type</c> as it was sent (RFC 9110, 8.3), read more patiently than the framework does: parameters may be empty and have no value.
/// </summary>
/// <param name="Name">The type and subtype, in lower case.</param>
/// <param name="Boundary">Of a form; null when there is none.</param>
readonly record struct MediaType(string Name, string? Boundary)
{
    /// <summary>JSON Merge Patch (RFC 7396).</summary>
    public const string MergePatch = "application/merge-patch+json";

    /// <summary>Null when it is no media type, such as a header that was set twice and joined.</summary>
    public static MediaType? Read(string? header)
    {
        var parameters = HeaderParameters.Read(header ?? "", out var name);
        if (parameters is null || name.Split('/') is not [var type, var subtype] || !HeaderParameters.IsToken(type) || !HeaderParameters.IsToken(subtype))
            return null;
        // One of a type without boundaries has no meaning, and is not handed on.
        var boundary = type.Equals("multipart", StringComparison.OrdinalIgnoreCase) ? parameters.GetValueOrDefault("boundary") : null;
        return new(name.ToLowerInvariant(), boundary);
    }

    /// <summary>The header in the framework's own spelling: without what has no meaning to us, such as a charset.</summary>
    public override string ToString() => Boundary is null ? Name : $"{Name}; boundary=\"{Escaped(Boundary)}\"";

    static string Escaped(string text) => text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);
}
