using Microsoft.AspNetCore.WebUtilities;

namespace Profiles.Infrastructure.Http;

/// <summary>What a part of a form says of itself (RFC 7578, 4.2), as clients write it: with any case, with and without quotes, with and without a file name.</summary>
/// <param name="Name">The field's; null where there is none.</param>
/// <param name="FileName">Null where there is none; the name itself is of no use here.</param>
/// <param name="HasType">Whether it says its media type.</param>
readonly record struct FormPart(string? Name, string? FileName, bool HasType)
{
    /// <summary>Whether it is a file: it has a file name, or is named as one of those and has a media type.</summary>
    public bool IsFile(string[] names) => FileName is not null || (HasType && names.Contains(Name));

    public static FormPart Of(MultipartSection section)
    {
        var parameters = HeaderParameters.Read(section.ContentDisposition ?? "", out var kind, patient: true);
        if (parameters is null || !kind.Equals("form-data", StringComparison.OrdinalIgnoreCase))
            return default;
        var fileName = parameters.GetValueOrDefault("filename*") ?? parameters.GetValueOrDefault("filename");
        return new(parameters.GetValueOrDefault("name"), fileName, !string.IsNullOrWhiteSpace(section.ContentType));
    }
}
