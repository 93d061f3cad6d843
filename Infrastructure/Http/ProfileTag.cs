using System.Security.Cryptography;
using System.Text;
using Microsoft.Net.Http.Headers;
using Profiles.Data;
using Profiles.Infrastructure.Images;

namespace Profiles.Infrastructure.Http;

/// <summary>The strong entity tag of a profile as it is shown (RFC 9110, 8.8.3): another one after every change and for every other address of the picture.</summary>
sealed class ProfileTag(ImageAddress address)
{
    /// <summary>The addresses that the tag is about.</summary>
    public ImageAddress Address => address;

    public EntityTagHeaderValue Of(User user)
    {
        var shown = FormattableString.Invariant($"{user.Id}\n{user.Profile.Version}\n{address.Of(user.Profile.Image)}");
        return new($"\"{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(shown)).AsSpan(0, 16))}\"");
    }

    /// <summary>Whether the client has this already: <c>If-None-Match</c>.</summary>
    public static bool IsKnown(HttpRequest request, EntityTagHeaderValue tag) =>
        request.GetTypedHeaders().IfNoneMatch.Any(known => known.Equals(EntityTagHeaderValue.Any) || known.Compare(tag, useStrongComparison: false));

    /// <summary>Whether the client speaks of another state than this: <c>If-Match</c>.</summary>
    public static bool IsStale(HttpRequest request, EntityTagHeaderValue tag) =>
        request.Headers.IfMatch.Count > 0 && !request.GetTypedHeaders().IfMatch.Any(e => e.Equals(EntityTagHeaderValue.Any) || e.Compare(tag, useStrongComparison: true));
}
