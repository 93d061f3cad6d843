using System.ComponentModel.DataAnnotations;

namespace Profiles.Infrastructure.Settings;

/// <summary>A setting that is an http or https address.</summary>
[AttributeUsage(AttributeTargets.Property)]
sealed class HttpAddressAttribute(bool mayHavePath)
    : ValidationAttribute($"{{0}} must be an http or https address without {(mayHavePath ? "query" : "path")}.")
{
    public override bool IsValid(object? value) => value is not string address || Is(address, mayHavePath);

    public static bool Is(string address, bool mayHavePath) =>
        Uri.TryCreate(address, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri.UserInfo.Length == 0
            && uri.Query.Length == 0 && uri.Fragment.Length == 0 && (mayHavePath || (uri.AbsolutePath == "/" && !address.EndsWith('/')));
}
