using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;
using Profiles.Data;
using Profiles.Infrastructure.Images;
using JsonOptions = Microsoft.AspNetCore.Http.Json.JsonOptions;

namespace Profiles.Infrastructure.Editing;

/// <summary>
/// The strong entity tag of a profile as it is shown (RFC 9110, 8.8.3): another one after every change, for every other address of the picture, and from a release that shows it
/// in another form.
/// </summary>
sealed class ProfileTag(ImageAddress address, IOptions<JsonOptions> json)
{
    // What a profile looks like, whoever's it is: every member that this release writes, and how. Made once, so that an unchanged profile costs no JSON.
    readonly string form = Hex(JsonSerializer.SerializeToUtf8Bytes(ProfileDescription.Example, json.Value.SerializerOptions));

    public EntityTagHeaderValue Of(User user) =>
        Quote(Hex(Encoding.UTF8.GetBytes(FormattableString.Invariant($"{form}\n{user.Id}\n{user.Profile.Version}\n{address.Of(user.Profile.Image)}"))));

    /// <summary>The tag of what others see, of which no version is counted: a change of what they do not see is none to them.</summary>
    public EntityTagHeaderValue OfPublic<T>(T shown) => Quote(Hex(JsonSerializer.SerializeToUtf8Bytes(shown, json.Value.SerializerOptions)));

    /// <summary>Whether the client has this already: <c>If-None-Match</c>.</summary>
    public static bool IsKnown(HttpRequest request, EntityTagHeaderValue tag) => IsAmong(request.GetTypedHeaders().IfNoneMatch, tag);

    /// <summary>Whether the client speaks of another state than this: <c>If-Match</c>. A proxy that compresses weakens a tag on its way, and means the same state.</summary>
    public static bool IsStale(HttpRequest request, EntityTagHeaderValue tag) =>
        request.Headers.IfMatch.Count > 0 && !IsAmong(request.GetTypedHeaders().IfMatch, tag);

    static bool IsAmong(IEnumerable<EntityTagHeaderValue> tags, EntityTagHeaderValue tag) =>
        tags.Any(t => t.Equals(EntityTagHeaderValue.Any) || t.Compare(tag, useStrongComparison: false));

    static EntityTagHeaderValue Quote(string hex) => new($"\"{hex}\"");

    static string Hex(byte[] shown) => Convert.ToHexStringLower(SHA256.HashData(shown).AsSpan(0, 16));
}
