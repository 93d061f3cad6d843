using Microsoft.AspNetCore.WebUtilities;

namespace Profiles.Infrastructure.Http;

/// <summary>
/// The headers of a form's part (RFC 7578, 4.2) as clients write them: in any case, with and without quotes, with and without a file name.
/// </summary>
/// <param name="Name">The field's name; null when there is none.</param>
/// <param name="FileName">Null when there is none; only its presence matters.</param>
/// <param name="HasType">Whether it declares a media type.</param>
readonly record struct FormPart(string? Name, string? FileName, bool HasType)
{
    /// <summary>Whether it is a file: it has a file name, or one of these field names and a media type.</summary>
    public bool IsFile(string[] names) => FileName is not null || (HasType && names.Contains(Name));

    public static FormPart Of(MultipartSection section)
    {
        var parameters = HeaderParameters.Read(section.ContentDisposition ?? "", out var kind, lenient: true);
        if (parameters is null || !kind.Equals("form-data", StringComparison.OrdinalIgnoreCase))
            return default;
        var fileName = parameters.GetValueOrDefault("filename*") ?? parameters.GetValueOrDefault("filename");
        return new(parameters.GetValueOrDefault("name"), fileName, !string.IsNullOrWhiteSpace(section.ContentType));
    }
}
